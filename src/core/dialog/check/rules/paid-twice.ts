/**
 * I7: one customer action starts a paid activity once. Refuted by a step that starts it twice, by a start while it still
 * runs (a double tap, or a message meanwhile), and by a start that follows without another action of anybody: after its own
 * end, or after a timer. A start that a limit refused was never paid and is not counted.
 */
import type { Dialog } from '../../dialog.ts';
import type { Finding } from '../finding.ts';
import type { Edge, Graph } from '../graph.ts';
import { transcriptOf, transcriptOfAll } from '../transcript.ts';

export function paidTwice(graph: Graph, dialog: Dialog): Finding[] {
  const paid = Object.keys(dialog.activities).filter((name) => dialog.activities[name]?.cost !== undefined);
  return paid.flatMap((name) => {
    const starting = graph.edges.filter(({ starts }) => starts.includes(name));
    const findings = [atOnce(starting, name), whileRunning(starting, name), onItsOwn(graph, starting, name)];
    return findings.filter((each): each is Finding => each !== null);
  });
}

function atOnce(starting: readonly Edge[], name: string): Finding | null {
  const twice = starting.find(({ starts }) => starts.filter((each) => each === name).length > 1);
  if (twice === undefined) return null;
  return found(name, 'one step starts it twice', 'Start it in one place.', transcriptOf(twice));
}

function whileRunning(starting: readonly Edge[], name: string): Finding | null {
  const again = starting.find(({ startsAgain }) => startsAgain.includes(name));
  if (again === undefined) return null;
  const where = again.from?.label ?? '';
  const isByPerson = again.happening.kind === 'handedBack';
  return found(
    name,
    isByPerson
      ? `a person takes over while it runs (${where}), and when they hand back it starts again, with nobody asking for it`
      : `it is started again while it still runs (${where})`,
    'While paid work runs, answer messages and taps without leaving its state, e.g. "still working".',
    transcriptOf(again, `    ${name} is started and paid a second time`),
  );
}

/** What follows by itself, without an action of the customer, of an operator or of the business. */
const followsByItself: readonly Edge['happening']['kind'][] = ['done', 'failed', 'timer', 'drained'];

function onItsOwn(graph: Graph, starting: readonly Edge[], name: string): Finding | null {
  const seen = new Set<string>();
  for (const first of starting) {
    if (followsByItself.includes(first.happening.kind) || first.to === null || seen.has(first.to.key))
      continue;
    seen.add(first.to.key);
    const way = wayToSecondStart(graph, first, name);
    if (way !== null)
      return found(
        name,
        'one action of the customer leads to two starts of it, with nobody asking for the second',
        'Let a message or a tap of the customer stand between the two; for another try after a fault use attemptsMax of the activity.',
        transcriptOfAll([first, ...way], `    ${name} is started and paid a second time`),
      );
  }
  return null;
}

function wayToSecondStart(graph: Graph, first: Edge, name: string): Edge[] | null {
  const ways = new Map<string, Edge[]>([[first.to?.key ?? '', []]]);
  for (const [key, way] of ways) {
    for (const edge of graph.edgesFrom.get(key) ?? []) {
      if (edge.to === null || !followsByItself.includes(edge.happening.kind)) continue;
      const isRefusal =
        edge.happening.failure === 'limitRefused' &&
        edge.from?.running[edge.happening.invokeId ?? ''] === name;
      if (isRefusal) continue;
      if (edge.starts.includes(name)) return [...way, edge];
      if (!ways.has(edge.to.key)) ways.set(edge.to.key, [...way, edge]);
    }
  }
  return null;
}

function found(name: string, how: string, todo: string, transcript: readonly string[]): Finding {
  return {
    rule: 'paidTwice',
    severity: 'error',
    where: name,
    says: `The paid activity ${name} can be paid twice: ${how}.`,
    todo,
    transcript,
  };
}
