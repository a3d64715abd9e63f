/**
 * `nightdesk check`: proves or refutes that the dialogs of `nightdesk.config.ts` cannot hang, and with `--live` looks which
 * conversations of the real store they could not continue. The exploration needs no store; `--live` reads it page by page,
 * from the server where one runs, and writes nothing.
 */
import { writeFileSync } from 'node:fs';
import { assistant } from '#core/dialog/assistant.ts';
import { type CheckReport, checkDialog } from '#core/dialog/check/check.ts';
import { diagramOf, mermaidOf } from '#core/dialog/check/diagram.ts';
import { pageOf } from '#core/dialog/check/page.ts';
import type { Dialog } from '#core/dialog/dialog.ts';
import { continuingOf } from '#core/dialog/versions.ts';
import { Fault } from '#core/model/faults.ts';
import type { StateRow } from '#core/ports/store-operators.ts';
import { readConfigFile } from '#runtime/config-file.ts';
import { exitCodes } from './exit-codes.ts';
import { run } from './run.ts';
import { paint, plain, show, table } from './show.ts';

export interface CheckOptions {
  live?: boolean;
  html?: string;
  mermaid?: boolean;
  json?: boolean;
}

export async function check(names: readonly string[], options: CheckOptions): Promise<number> {
  const file = await readConfigFile(process.cwd());
  const dialogs = dialogsOf(file.dialogs ?? [], names);
  const checked = dialogs.map((dialog) => {
    const { report, graph } = checkDialog(dialog);
    const paid = Object.keys(dialog.activities).filter((name) => dialog.activities[name]?.cost !== undefined);
    return { report, diagram: diagramOf(graph, report.findings, paid) };
  });
  if (options.html !== undefined) writeFileSync(options.html, pageOf(checked));
  // A conversation may stand in a dialog that was not named.
  const live = options.live === true ? await liveOf(dialogsOf(file.dialogs ?? [], [])) : null;
  const reports = checked.map(({ report }) => report);
  if (options.json === true) show({ dialogs: reports, live });
  else if (options.mermaid === true) show(checked.map(({ diagram }) => mermaidOf(diagram)).join('\n'));
  else show([...reports.map(inWords), ...(live === null ? [] : [liveInWords(live)])].join('\n\n'));
  const isSound = reports.every(({ isProven }) => isProven) && (live?.lost ?? []).length === 0;
  return isSound ? exitCodes.ok : exitCodes.found;
}

/** Those that are named, else those of the configuration, else the assistant. @throws Fault */
function dialogsOf(configured: readonly Dialog[], names: readonly string[]): Dialog[] {
  const all = configured.some(({ name }) => name === assistant.name)
    ? configured
    : [...configured, assistant];
  if (names.length === 0) return [...all];
  return names.map((name) => {
    const found = all.find((each) => each.name === name);
    if (found !== undefined) return found;
    const known = all.map((each) => each.name).join(', ');
    throw new Fault('notFound', `There is no dialog "${name}". Dialogs are ${known}.`);
  });
}

function inWords(report: CheckReport): string {
  const { dialog, version, explored, findings, assumptions, sampled, bounds } = report;
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const verdict = report.isProven
    ? paint('green', 'proven: it cannot hang')
    : errors > 0
      ? paint('red', errors === 1 ? '1 fault' : `${errors} faults`)
      : paint('yellow', 'not proven');
  const told = findings.map(({ severity, rule, says, todo, transcript }) =>
    [
      `${paint(severity === 'error' ? 'red' : 'yellow', `${severity} ${rule}`)}  ${plain(says)}`,
      ...transcript.map((line) => `    ${plain(line)}`),
      `    -> ${plain(todo)}`,
    ].join('\n'),
  );
  return [
    `${paint('bold', plain(dialog))} version ${version}: ${verdict} (${explored.configurations} configurations, ${explored.transitions} transitions)`,
    ...(bounds.length === 0 ? [] : [`The exploration ended at its bound: ${bounds.join(', ')}.`]),
    ...told,
    ...(assumptions.length === 0
      ? []
      : [
          `Assumed, and thrown at run time where it does not hold: ${assumptions.map(({ name }) => plain(name)).join('; ')}.`,
        ]),
    ...(sampled.length === 0 ? [] : [`Sampled, not proven: ${sampled.join('; ')}.`]),
  ].join('\n');
}

interface Live {
  conversations: number;
  /** They go on where they stand. */
  continued: number;
  /** They go on in the landing state that the dialog names. */
  landed: Stranded[];
  /** They would begin anew; a dialog of steps that names no landing state tells nobody of it at run time. */
  lost: Stranded[];
}

type Stranded = Pick<StateRow, 'tenantId' | 'conversationId' | 'phoneNumberId' | 'stateLabel'>;

const pageMax = 500;

async function liveOf(dialogs: readonly Dialog[]): Promise<Live> {
  const live: Live = { conversations: 0, continued: 0, landed: [], lost: [] };
  const byName = new Map(dialogs.map((dialog) => [dialog.name, dialog]));
  let after: Pick<StateRow, 'tenantId' | 'conversationId'> | null = null;
  do {
    const page = (await run('states.list', { after, max: pageMax })) as StateRow[];
    for (const { state, ...row } of page) {
      const how = howOf(byName, state);
      live.conversations += 1;
      if (how === 'lost') live.lost.push(row);
      else if (how === 'landed') live.landed.push(row);
      else live.continued += 1;
    }
    const last: StateRow | undefined = page.at(-1);
    const { tenantId = '', conversationId = '' } = last ?? {};
    after = page.length < pageMax ? null : { tenantId, conversationId };
  } while (after !== null);
  return live;
}

function howOf(byName: ReadonlyMap<string, Dialog>, state: string): ReturnType<typeof continuingOf> {
  const name = (JSON.parse(state) as { dialog?: string } | null)?.dialog ?? '';
  const dialog = byName.get(name);
  if (dialog === undefined) return 'lost';
  const how = continuingOf(dialog, state);
  return how === 'landed' && dialog.landsAnew === true ? 'lost' : how;
}

function liveInWords({ conversations, continued, landed, lost }: Live): string {
  const rowsOf = (stranded: readonly Stranded[], then: string) =>
    stranded.map((each) => [each.tenantId, each.conversationId, each.phoneNumberId, each.stateLabel, then]);
  const rows = [...rowsOf(lost, 'begins anew'), ...rowsOf(landed, 'landing state')];
  const many = table(['TENANT', 'CONVERSATION', 'PHONE NUMBER ID', 'STATE', 'THEN'], rows, '');
  return [
    `${conversations} conversation${conversations === 1 ? '' : 's'} in the store: ${continued} go on, ${landed.length} go to the landing state, ${lost.length} would begin anew.`,
    ...(rows.length === 0 ? [] : [many]),
  ].join('\n');
}
