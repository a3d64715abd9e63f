/**
 * I12: from every reachable configuration, customer messages, timers or the ends of running work lead on, and in the end to
 * the end of the dialog, to its beginning, or to a state that is declared a home. Events of the business' own systems do
 * not count, since they may never come; a hand-back counts only where the dialog itself has handed off.
 */
import type { Finding } from '../finding.ts';
import { type Configuration, type Edge, type Graph, metaOf } from '../graph.ts';
import { transcriptOf } from '../transcript.ts';

export function deadEnds(graph: Graph): Finding[] {
  const leadsHome = configurationsThatLead(graph, (each) => isGood(graph, each));
  const hasHome = graph.configurations.some((each) => isGood(graph, each));
  const stuck = graph.configurations.filter((each) => !leadsHome.has(each.key));
  const findings = new Map<string, Finding>();
  for (const each of stuck) {
    const reached = reachedFrom(graph, each);
    const places = new Set(reached.map(({ place }) => place));
    if (places.size > 1 && !hasHome) continue;
    const id = [...places].sort().join('\n');
    if (!findings.has(id)) findings.set(id, places.size === 1 ? deadEnd(graph, each) : trap(each, reached));
  }
  return [...findings.values()].filter((each, _, all) => !isPartOfAnother(each, all));
}

/** A way into a dead end is no second finding. */
const isPartOfAnother = (finding: Finding, all: readonly Finding[]) =>
  finding.where.includes(', ') &&
  all.some((each) => each !== finding && finding.where.split(', ').includes(each.where));

function isGood(graph: Graph, { isFinal, place, snapshot }: Configuration): boolean {
  if (isFinal || graph.beginnings.has(place)) return true;
  const active = (snapshot as { _nodes?: readonly unknown[] })._nodes ?? [];
  return graph.ways.nodes.some((node) => metaOf(node).home === true && active.includes(node));
}

const isOwn = ({ from, happening, fault }: Edge) =>
  fault === null && happening.kind !== 'business' && (happening.kind !== 'handedBack' || from?.held === true);

function configurationsThatLead(graph: Graph, to: (each: Configuration) => boolean): Set<string> {
  const into = new Map<string, string[]>();
  for (const edge of graph.edges.filter(isOwn)) {
    if (edge.to === null || edge.from === null) continue;
    const others = into.get(edge.to.key) ?? [];
    into.set(edge.to.key, others);
    others.push(edge.from.key);
  }
  const open = graph.configurations.filter(to).map(({ key }) => key);
  const leading = new Set(open);
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    for (const before of into.get(key) ?? []) {
      if (leading.has(before)) continue;
      leading.add(before);
      open.push(before);
    }
  }
  return leading;
}

function reachedFrom(graph: Graph, start: Configuration): Configuration[] {
  const reached = new Set([start]);
  for (const each of reached)
    for (const edge of graph.edgesFrom.get(each.key) ?? [])
      if (edge.to !== null && isOwn(edge)) reached.add(edge.to);
  return [...reached];
}

function deadEnd(graph: Graph, at: Configuration): Finding {
  const business = (graph.edgesFrom.get(at.key) ?? []).filter(
    ({ happening, to }) => happening.kind === 'business' && to?.place !== at.place,
  );
  const only = business.map(({ happening }) => happening.event.type.replace('business.', ''));
  const says =
    only.length === 0
      ? `Nothing leads on from ${at.label}: no message of the customer, no timer.`
      : `Only the business' own systems lead on from ${at.label} (${[...new Set(only)].join(', ')}); where they stay silent, so does the dialog.`;
  return {
    rule: 'deadEnd',
    severity: 'error',
    where: at.label,
    says,
    todo: 'Give it a transition to another state, or a timer; or make it final, or say meta: { nightdesk: { home: true } } where conversations may rest for good.',
    transcript: transcriptOf(at.cameBy, '    whatever the customer writes now, the dialog stays here'),
  };
}

function trap(at: Configuration, reached: readonly Configuration[]): Finding {
  const labels = [...new Set(reached.map(({ label }) => label))];
  return {
    rule: 'deadEnd',
    severity: 'error',
    where: labels.join(', '),
    says: `From ${at.label} the conversation only goes round between ${labels.join(', ')}: it never ends, and never comes back to its beginning.`,
    todo: 'Give one of these states a way out.',
    transcript: transcriptOf(at.cameBy, '    from here on it goes round'),
  };
}
