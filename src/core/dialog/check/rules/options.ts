/**
 * Every option on the customer's screen does something when it is tapped. One that no transition takes is an error; so is
 * one that is treated like a button nobody offered, in a state that tells its other options apart.
 */
import type { Finding } from '../finding.ts';
import type { Configuration, Edge, Graph } from '../graph.ts';
import { foreignOption } from '../happenings.ts';
import { transcriptOf } from '../transcript.ts';

export function optionsWithoutHandler(graph: Graph): Finding[] {
  const findings = new Map<string, Finding>();
  for (const at of graph.configurations) {
    const offered = graph.offered.get(at.key);
    const edges = graph.edgesFrom.get(at.key);
    if (offered === undefined || edges === undefined || at.held) continue;
    const tapsOn = (option: string) => edges.filter(({ happening }) => happening.option === option);
    const foreign = tapsOn(foreignOption);
    const tellsApart = [...offered.keys()].some((option) =>
      tapsOn(option).some((edge) => edge.moved && !isLikeOneOf(edge, foreign)),
    );
    for (const option of offered.keys()) {
      const taps = tapsOn(option);
      const works = taps.some(
        (edge) => edge.fault === null && edge.moved && !(tellsApart && isLikeOneOf(edge, foreign)),
      );
      const key = `${at.label}\n${option}`;
      if (taps.length > 0 && !works && !findings.has(key)) findings.set(key, found(at, option, taps));
    }
  }
  return [...findings.values()];
}

/** The same transitions were taken, and they lead nowhere. */
function isLikeOneOf(edge: Edge, foreign: readonly Edge[]): boolean {
  const leads = edge.to?.place !== edge.from?.place || edge.starts.length > 0;
  return !leads && foreign.some((each) => each.took.join() === edge.took.join());
}

function found(at: Configuration, option: string, taps: readonly Edge[]): Finding {
  return {
    rule: 'option',
    severity: 'error',
    where: at.label,
    says: `${at.label} offers [${option}], and no transition takes a tap on it.`,
    todo: `Give the state a transition for it: on button (or listChoice) with the guard { type: 'chose', params: { option: '${option}' } }; or do not offer it.`,
    transcript: transcriptOf(taps[0] ?? null),
  };
}
