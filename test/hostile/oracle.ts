/**
 * What must hold for every body, whatever stands in it. The station under test is the real one; its store only notes what
 * it is given, and refuses what a real one would refuse, so that a run of thousands of bodies takes seconds.
 */
import type { InboundItem, InboundMessage } from '#core/model/events.ts';
import type { AppendBatch, Appended, StatusBatch, StatusesRecorded } from '#core/ports/store.ts';
import type { PhoneNumber } from '#core/ports/tenants.ts';
import { parseWebhook } from '#pipeline/webhook/parse.ts';
import { signBody } from '#pipeline/webhook/signature.ts';
import { createWebhookStation, type WebhookRequest, type WebhookStation } from '#pipeline/webhook/station.ts';
import { createVirtualWorld } from '#testing/virtual-world.ts';

const secret = 'secret of the app';
export const nowMs = Date.UTC(2026, 10, 1);
export const phoneNumberId = '880110220330440';

const number: PhoneNumber = {
  tenantId: 'acme',
  phoneNumberId,
  wabaId: '990110220330440',
  displayNumber: '+1 555 0100',
  dialog: 'assistant',
  sendsPerSecondMax: 80,
  settings: {},
};

/** What Meta would send. */
export function sign(rawBody: Uint8Array): WebhookRequest {
  return { rawBody, signature: signBody(secret, rawBody) };
}

interface Stored {
  batches: AppendBatch[];
  statuses: StatusBatch[];
}

interface Booth {
  station: WebhookStation;
  /** What the store was given, newest last. */
  stored: Stored;
  /** Labels of metrics that were counted. */
  labels: Set<string>;
}

const appended: Appended = {
  wakes: [],
  stored: 0,
  duplicates: 0,
  duplicateWamids: [],
  quarantined: 0,
  merged: [],
  tookOver: [],
  cancelled: [],
};
const recorded: StatusesRecorded = {
  applied: 0,
  duplicates: 0,
  unmatched: 0,
  proven: 0,
  provenSends: [],
  provenDuplicates: 0,
  failed: 0,
  freed: [],
};

export function openBooth(): Booth {
  const virtual = createVirtualWorld({ seed: 1, startMs: nowMs });
  const timers = { ...virtual.timers, soon: (fn: () => void) => void setImmediate(fn) };
  const stored: Stored = { batches: [], statuses: [] };
  const labels = new Set<string>();
  const station = createWebhookStation({
    world: { ...virtual, clock: virtual.clock, log: virtual.log, timers },
    appSecrets: [secret],
    verifyTokens: ['verify'],
    directory: {
      tenant: () => undefined,
      phoneNumber: (id) => (id === phoneNumberId ? number : undefined),
      all: () => [],
    },
    telemetry: {
      count: (name, given) => void labels.add(`${name} ${JSON.stringify(given ?? {})}`),
      observe: () => {},
    },
    store: {
      append: async (batch) => {
        stored.batches.push(batch);
        return appended;
      },
      recordStatuses: async (batch) => {
        stored.statuses.push(batch);
        return recorded;
      },
    },
    onAppended: () => {},
    onStatuses: () => {},
  });
  return { station, stored, labels };
}

/** A text that a store keeps as it is and a screen can show. */
function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

const prototypes = [Object.prototype, Array.prototype, String.prototype, Function.prototype, Map.prototype];
const namesAtStart = prototypes.map((each) => Reflect.ownKeys(each).length);

/** Why the body was not dealt with as every body must be, or null. */
export async function faultOf(body: Uint8Array): Promise<string | null> {
  const { station, stored } = openBooth();
  const { status } = await station.receive(sign(body));
  if (status !== 200) return `a signed body was answered ${status}`;
  const kept = [...stored.batches, ...stored.statuses].reduce((sum, batch) => sum + countOf(batch), 0);
  if (kept === 0) return 'nothing of a signed body was kept';
  const polluted = prototypes.findIndex((each, at) => Reflect.ownKeys(each).length !== namesAtStart[at]);
  if (polluted >= 0) return `prototype ${polluted} was changed`;
  const parsed = parseWebhook(body, nowMs);
  const keepsBytes = stored.batches.some((batch) => batch.quarantine.some(({ bytes }) => bytes !== null));
  if ((!parsed.readable || parsed.problems.length > 0) && !keepsBytes)
    return 'what cannot be read was dropped';
  for (const item of parsed.items) {
    const wrong = wrongOf(item);
    if (wrong !== null) return `${item.type}: ${wrong}`;
  }
  return null;
}

function countOf(batch: AppendBatch | StatusBatch): number {
  return 'statuses' in batch
    ? batch.statuses.length
    : batch.messages.length + batch.notices.length + batch.quarantine.length;
}

function wrongOf(item: InboundItem): string | null {
  try {
    JSON.parse(item.raw);
  } catch {
    return 'its raw form is no JSON';
  }
  const ids = [item.wabaId, item.phoneNumberId ?? '', item.type === 'notice' ? item.dedupeKey : item.wamid];
  if (!ids.every((id) => isClean(id) && id.length <= 512)) return 'an id cannot be stored';
  const atMs = item.type === 'message' ? item.sentAtMs : item.atMs;
  if (!Number.isSafeInteger(atMs)) return 'its time is no whole number';
  return item.type === 'message' ? wrongOfMessage(item) : null;
}

function wrongOfMessage({ sender, content }: InboundMessage): string | null {
  if (sender.phone === undefined && sender.bsuid === undefined) return 'it has no address';
  if (!Object.values(sender).every((text) => typeof text === 'string' && isClean(text)))
    return 'its sender cannot be stored';
  const strange = strangeIn(content);
  return strange === null ? null : `its content holds ${strange}`;
}

/** What a copy must not hold, found by walking it. */
function strangeIn(value: unknown): string | null {
  if (typeof value === 'string') return isClean(value) ? null : 'a text that no store keeps';
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'a number that JSON cannot write';
  if (typeof value !== 'object' || value === null) return null;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype) return 'another prototype';
  for (const key of Object.getOwnPropertyNames(value)) {
    if (key === '__proto__' || !isClean(key)) return 'a key that no object may have';
    const strange = strangeIn((value as Record<string, unknown>)[key]);
    if (strange !== null) return strange;
  }
  return null;
}
