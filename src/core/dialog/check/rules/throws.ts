/** What the dialog would throw on the way: the runtime answers with the fallback text and a flag, but it is a fault. */
import type { Finding } from '../finding.ts';
import type { Graph } from '../graph.ts';
import { transcriptOf } from '../transcript.ts';

export function thrown(graph: Graph): Finding[] {
  const byFault = new Map<string, Finding>();
  for (const edge of graph.edges) {
    const { fault, happening, from } = edge;
    if (fault === null || byFault.has(fault)) continue;
    // A missing exit of running work has a rule of its own; that of a hand-back is the same exit.
    if (fault.startsWith('unhandled') && (happening.kind === 'failed' || happening.kind === 'handedBack'))
      continue;
    const where = from?.label ?? 'the beginning';
    byFault.set(fault, {
      rule: 'throws',
      severity: 'error',
      where,
      says: fault.startsWith('endless')
        ? `In ${where} transitions without an event lead round in a circle.`
        : `In ${where} the dialog throws: ${fault.replace(/^\w+: /, '')}`,
      todo: fault.startsWith('endless')
        ? 'Give one of these always transitions a guard that ends the circle.'
        : 'Mend what it names; at run time the event would become a dead letter.',
      transcript: transcriptOf(edge),
    });
  }
  return [...byFault.values()];
}
