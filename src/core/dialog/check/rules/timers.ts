/** A timer that fires leads somewhere: to another state, to words, to a start, or at least to something remembered. */
import type { Finding } from '../finding.ts';
import type { Edge, Graph } from '../graph.ts';
import { transcriptOf } from '../transcript.ts';

export function timersWithoutExit(graph: Graph): Finding[] {
  const byTimer = new Map<string, Edge[]>();
  for (const edge of graph.edges) {
    const { timerId } = edge.happening;
    if (timerId === undefined) continue;
    const edges = byTimer.get(timerId) ?? [];
    byTimer.set(timerId, edges);
    edges.push(edge);
  }
  return [...byTimer]
    .filter(([, edges]) => !edges.some((edge) => leadsSomewhere(graph, edge)))
    .map(([timerId, [first]]) => ({
      rule: 'timer',
      severity: 'error',
      where: first?.from?.label ?? timerId,
      says: `The timer of ${first?.from?.label ?? timerId} leads nowhere: it fires and nothing changes.`,
      todo: 'Give it a target, or words for the customer, or take it away.',
      transcript: transcriptOf(first ?? null, '    nothing happens'),
    }));
}

function leadsSomewhere(graph: Graph, { from, to, moved, answered, starts, took, fault }: Edge): boolean {
  if (fault !== null || !moved) return false;
  const goesRound = took.every((index) => (graph.ways.transitions[index]?.target.length ?? 0) > 0);
  return answered || starts.length > 0 || to?.place !== from?.place || !goesRound;
}
