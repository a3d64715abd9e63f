/**
 * Every running activity has a way out for each of its ends: done, failed, refused by a limit, deadline passed, and for
 * paid work the end of which nobody knows whether it was charged. Guards are taken both ways, so an end for which all
 * candidates have guards has no sure way out.
 */
import type { Finding } from '../finding.ts';
import type { Edge, Graph } from '../graph.ts';
import { transcriptOf } from '../transcript.ts';

export function busyExits(graph: Graph): Finding[] {
  const missing = new Map<string, Edge[]>();
  for (const edge of graph.edges) {
    if (!isMissing(edge)) continue;
    const key = `${edge.from?.label ?? ''}\n${nameOf(edge)}`;
    const edges = missing.get(key) ?? [];
    missing.set(key, edges);
    edges.push(edge);
  }
  return [...missing.values()].map(found);
}

function isMissing({ happening, moved, fault }: Edge): boolean {
  if (happening.kind === 'done') return !moved;
  return (
    happening.kind === 'failed' &&
    happening.failure !== 'otherwise' &&
    fault?.startsWith('unhandled') === true
  );
}

const nameOf = ({ from, happening }: Edge) => from?.running[happening.invokeId ?? ''] ?? '';

function found(edges: readonly Edge[]): Finding {
  const [first] = edges as [Edge];
  const ends = [...new Set(edges.map(({ happening }) => happening.failure ?? 'done'))];
  const label = first.from?.label ?? '';
  const sometimes = first.given.length > 0 ? ' where no guard holds' : '';
  return {
    rule: 'busyExit',
    severity: 'error',
    where: label,
    says: `${label} runs ${nameOf(first)} and has no exit${sometimes} for: ${ends.join(', ')}. ${
      ends.includes('done')
        ? 'The result would change nothing.'
        : 'The customer would get the fallback text, and the dialog would begin anew.'
    }`,
    todo: 'Give its invoke onDone and onError, the last of each without a guard, that lead on to a state and say something.',
    transcript: transcriptOf(first),
  };
}
