/** I1: when a webhook is answered by 200, everything that it brought is in the store. */
import type { MakeChecker, View } from '../checker.ts';
import { type Observation, type StatusSeen, short } from '../journal.ts';
import { SaidBook } from './said.ts';

const selectEvents = 'SELECT wamid FROM event WHERE wamid IN (SELECT value FROM json_each(?))';
const selectQuarantined =
  "SELECT 1 AS one FROM quarantine WHERE instr(coalesce(item, CAST(bytes AS TEXT), ''), ?) > 0";
const selectQuarantinedStatus =
  "SELECT 1 AS one FROM quarantine WHERE item ->> '$.wamid' = ? AND item ->> '$.status' = ?";
const selectSends =
  'SELECT state, delivery, wamid, second_wamid FROM send WHERE send_id = ?1 OR wamid = ?2 OR second_wamid = ?2';
const selectUnmatched = 'SELECT 1 AS one FROM status_unmatched WHERE wamid = ? AND status = ?';

interface SendRow {
  state: string;
  delivery: string;
  wamid: string | null;
  second_wamid: string | null;
}

const ranks = ['none', 'sent', 'delivered', 'read', 'played'];
const unsettled = new Set(['queued', 'sending', 'uncertain', 'held']);

export const storedBeforeAcknowledged: MakeChecker = (view) => {
  const said = new SaidBook();
  return { invariant: 'I1', see: (seen) => look(view, said, seen) };
};

function look(view: View, said: SaidBook, seen: Observation): void {
  said.see(seen);
  if (seen.kind !== 'acknowledged' || seen.status !== 200) return;
  const about = `process ${seen.process} answered 200 to ${seen.delivery}`;
  for (const wamid of missing(view, seen.messages))
    view.violated({
      invariant: 'I1',
      what: `When ${about}, ${said.nameOf(wamid)} was neither in a mailbox nor in quarantine. Meta will not send it again, so a crash now loses it.`,
      subjects: [seen.delivery, wamid],
    });
  for (const status of seen.statuses) {
    if (isReflected(view, status)) continue;
    view.violated({
      invariant: 'I1',
      what: `When ${about}, nothing in the store told of its status "${status.status}" of ${short(status.wamid)} (send ${status.opaque}): neither the send, nor the statuses that wait for their send, nor quarantine.`,
      subjects: [seen.delivery, status.wamid, ...(status.opaque === null ? [] : [status.opaque])],
    });
  }
}

function missing({ rows }: View, wamids: readonly string[]): string[] {
  if (wamids.length === 0) return [];
  const found = new Set(
    rows.all<{ wamid: string }>(selectEvents, JSON.stringify(wamids)).map(({ wamid }) => wamid),
  );
  return wamids.filter((wamid) => !found.has(wamid) && rows.get(selectQuarantined, wamid) === undefined);
}

function isReflected({ rows }: View, status: StatusSeen): boolean {
  const sends = rows.all<SendRow>(selectSends, status.opaque, status.wamid);
  return (
    sends.some((send) => tellsOf(send, status)) ||
    rows.get(selectUnmatched, status.wamid, status.status) !== undefined ||
    rows.get(selectQuarantinedStatus, status.wamid, status.status) !== undefined
  );
}

/** A send keeps two wamids, the highest delivery, and `failed` where nothing of it arrived. */
function tellsOf(send: SendRow, { wamid, status }: StatusSeen): boolean {
  const isFirst = send.wamid === wamid;
  const isKnown = isFirst || send.second_wamid === wamid || send.second_wamid !== null;
  if (!isKnown) return false;
  const rank = ranks.indexOf(send.delivery);
  if (status !== 'failed') return rank >= ranks.indexOf(status) && !unsettled.has(send.state);
  return (
    !isFirst || rank >= ranks.indexOf('delivered') || ['failed', 'withdrawn', 'refused'].includes(send.state)
  );
}
