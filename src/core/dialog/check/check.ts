/**
 * Checks a dialog: explores its machine with each guard taken both ways and proves, or refutes with the shortest chat that
 * shows it, that no conversation can hang, no paid work is paid twice by one action, and nobody is met with silence. What
 * is proven holds for every customer, context and provider; where a bound was met nothing is. To add a rule, add its file
 * in `rules/`, its name in `finding.ts` and its line below.
 */
import type { Dialog } from '../dialog.ts';
import { defaultBounds, type ExploreBounds, explore } from './explore.ts';
import type { Finding } from './finding.ts';
import type { Graph } from './graph.ts';
import { silences, unansweredKinds } from './rules/answers.ts';
import { busyExits } from './rules/busy-exits.ts';
import { deadEnds } from './rules/dead-ends.ts';
import { migrationHoles } from './rules/migrations.ts';
import { optionsWithoutHandler } from './rules/options.ts';
import { paidTwice } from './rules/paid-twice.ts';
import { neverTaken, unreachable } from './rules/reach.ts';
import { thrown } from './rules/throws.ts';
import { timersWithoutExit } from './rules/timers.ts';

export interface CheckReport {
  dialog: string;
  version: number;
  /** No error, and the exploration is complete. */
  isProven: boolean;
  /** Bounds that were met; the rest of the dialog has not been looked at. */
  bounds: readonly string[];
  findings: readonly Finding[];
  /** Guards that the author declares to hold: name of the assumption, guard. */
  assumptions: readonly { name: string; guard: string }[];
  /** What only samples were seen of. */
  sampled: readonly string[];
  explored: { configurations: number; transitions: number; states: number };
}

export interface Checked {
  report: CheckReport;
  graph: Graph;
}

export function checkDialog(dialog: Dialog, bounds: ExploreBounds = defaultBounds): Checked {
  const graph = explore(dialog, bounds);
  const isComplete = graph.bounds.length === 0;
  const findings = [
    ...paidTwice(graph, dialog),
    ...unansweredKinds(graph, dialog),
    ...silences(graph),
    ...busyExits(graph),
    ...timersWithoutExit(graph),
    ...optionsWithoutHandler(graph),
    ...thrown(graph),
    ...migrationHoles(dialog),
    // What nothing was seen of may lie beyond the bound.
    ...(isComplete ? [...deadEnds(graph), ...unreachable(graph), ...neverTaken(graph)] : []),
  ];
  const sampled = [
    ...[...graph.unseenOffers].map(
      (label) =>
        `what ${label} offers: it cannot be made from a sample context, so list it in meta: { nightdesk: { options: [...] } }`,
    ),
    ...[...graph.ways.notes.decided].map((name) => `what the action ${name} chooses by code of its own`),
    ...(dialog.migrate === undefined
      ? []
      : ['migrate, with the contexts that are given as earlier versions']),
  ];
  const report: CheckReport = {
    dialog: dialog.name,
    version: dialog.version,
    isProven: isComplete && !findings.some(({ severity }) => severity === 'error'),
    bounds: graph.bounds,
    findings,
    assumptions: [...graph.assumptions].map(([name, guard]) => ({ name, guard })),
    sampled,
    explored: {
      configurations: graph.configurations.length,
      transitions: graph.edges.length,
      states: graph.ways.nodes.length - 1,
    },
  };
  return { report, graph };
}
