/**
 * States that no way leads to, and transitions that are never taken. Both are listed only where the exploration is
 * complete. A state is an error; a transition mostly stands behind one that always wins, so it is a warning, unless it
 * waits for an event that never comes.
 */
import type { WrittenTransition } from '../both-ways.ts';
import type { Finding } from '../finding.ts';
import type { Graph } from '../graph.ts';
import { isKnownEvent } from '../happenings.ts';

export function unreachable(graph: Graph): Finding[] {
  const { nodes } = graph.ways;
  const missing = nodes.filter(
    (node) => node.parent !== undefined && node.type !== 'history' && !graph.entered.has(node.id),
  );
  const ids = new Set(missing.map(({ id }) => id));
  return missing
    .filter(({ parent }) => !ids.has(parent?.id ?? ''))
    .map((node) => ({
      rule: 'unreachable',
      severity: 'error',
      where: node.path.join('.'),
      says: `No way leads to the state ${node.path.join('.')}.`,
      todo: 'Lead a transition there, or take the state away.',
      transcript: [],
    }));
}

export function neverTaken(graph: Graph): Finding[] {
  const { transitions } = graph.ways;
  return transitions
    .filter(({ index, source }) => !graph.took.has(index) && graph.entered.has(source.id))
    .filter((each) => !standsBehindAssumption(graph, each))
    .map((each) => {
      const isUnknown = each.event !== '' && !isKnownEvent(each.event);
      const name = `${each.source.path.join('.') || 'the root'} on ${each.event === '' ? 'always' : each.event}${
        each.guard === null ? '' : ` (${each.guard})`
      }`;
      return {
        rule: 'neverTaken',
        severity: isUnknown ? 'error' : 'warning',
        where: name,
        says: isUnknown
          ? `The transition ${name} is never taken: no event "${each.event}" comes, and the dialog does not raise it.`
          : `The transition ${name} is never taken.`,
        todo: isUnknown
          ? 'Name a kind of message (text, button, listChoice, voice, ...), or business.<name> for an event of your own systems.'
          : 'Look whether one before it always wins, or take it away.',
        transcript: [],
      };
    });
}

function standsBehindAssumption(
  { assumptions, ways }: Graph,
  { source, event, place }: WrittenTransition,
): boolean {
  return ways.transitions.some(
    (each) =>
      each.source === source &&
      each.event === event &&
      each.place < place &&
      each.guard !== null &&
      [...assumptions].some(([name, guard]) => each.guard === name || each.guard === guard),
  );
}
