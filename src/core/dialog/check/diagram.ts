/**
 * A dialog as a drawing: its states and the arrows between them, with the events that lead along them. What leaves a state
 * where it is has no arrow. Two ways to print it: Mermaid text, and one HTML page with an SVG that needs nothing else.
 */
import type { AnyStateNode } from 'xstate';
import type { WrittenTransition } from './both-ways.ts';
import type { Finding } from './finding.ts';
import type { Graph } from './graph.ts';
import { durationOf } from './happenings.ts';

export interface Drawn {
  id: string;
  label: string;
  /** `anywhere` stands for a state with states in it, whose transitions hold in all of them. */
  kind: 'waiting' | 'busy' | 'paid' | 'final' | 'anywhere';
  hasError: boolean;
}

export interface Arrow {
  from: string;
  to: string;
  label: string;
}

export interface Diagram {
  nodes: readonly Drawn[];
  arrows: readonly Arrow[];
  first: string;
}

/** Events on one arrow before the rest is only counted. */
const labelsMax = 3;

export function diagramOf(graph: Graph, findings: readonly Finding[], paid: readonly string[]): Diagram {
  const { machine, transitions } = graph.ways;
  const byArrow = new Map<string, { from: AnyStateNode; to: AnyStateNode; labels: Set<string> }>();
  for (const each of transitions) {
    for (const target of each.target) {
      const to = leafOf(target);
      if (to === each.source) continue;
      const key = `${each.source.id}\n${to.id}`;
      const arrow = byArrow.get(key) ?? { from: each.source, to, labels: new Set<string>() };
      byArrow.set(key, arrow);
      arrow.labels.add(labelOf(each));
    }
  }
  const drawn = new Set<AnyStateNode>(graph.ways.nodes.filter((node) => isLeaf(node)));
  for (const { from } of byArrow.values()) drawn.add(from);
  const errors = findings.filter(({ severity }) => severity === 'error');
  return {
    nodes: [...drawn].map((node) => drawnOf(node, errors, paid)),
    arrows: [...byArrow.values()].map(({ from, to, labels }) => ({
      from: from.id,
      to: to.id,
      label: joined([...labels]),
    })),
    first: leafOf(machine.root).id,
  };
}

const isLeaf = ({ type }: AnyStateNode) => type === 'atomic' || type === 'final';

function leafOf(node: AnyStateNode): AnyStateNode {
  if (node.type === 'compound') return leafOf(node.initial.target[0] as AnyStateNode);
  if (node.type === 'parallel') return leafOf(Object.values(node.states)[0] as AnyStateNode);
  return node;
}

function drawnOf(node: AnyStateNode, errors: readonly Finding[], paid: readonly string[]): Drawn {
  const path = node.path.join('.');
  const isPaid = node.invoke.some(({ src }) => typeof src === 'string' && paid.includes(src));
  const busy = isPaid ? 'paid' : 'busy';
  const leaf = node.type === 'final' ? 'final' : node.invoke.length > 0 ? busy : 'waiting';
  const inside = path === '' ? 'anywhere' : `anywhere in ${path}`;
  return {
    id: node.id,
    label: isLeaf(node) ? path : inside,
    kind: isLeaf(node) ? leaf : 'anywhere',
    hasError: path !== '' && errors.some(({ where }) => where.split(', ').includes(path)),
  };
}

function labelOf({ event, guard, source }: WrittenTransition): string {
  const [, delay] = /^xstate\.after\.(.+?)\./.exec(event) ?? [];
  const names: [RegExp, string][] = [
    [/^$/, 'at once'],
    [/^xstate\.done\.actor/, 'done'],
    [/^xstate\.error\.actor/, 'failed'],
    [/^xstate\.done\.state/, 'all done'],
    [/^business\./, event.replace('business.', '')],
  ];
  const name =
    delay === undefined
      ? (names.find(([pattern]) => pattern.test(event))?.[1] ?? event)
      : `after ${Number.isNaN(Number(delay)) ? delay : durationOf(Number(delay))}`;
  // Steps name their guards after themselves.
  const own = guard?.replace(`${source.key}: `, '');
  return own === undefined || own.startsWith('a guard') ? name : `${name} if ${own}`;
}

function joined(labels: readonly string[]): string {
  const shown = labels.slice(0, labelsMax).join(', ');
  return labels.length > labelsMax ? `${shown} and ${labels.length - labelsMax} more` : shown;
}

/** As a `stateDiagram-v2`, which GitHub and most editors draw. */
export function mermaidOf({ nodes, arrows, first }: Diagram): string {
  const names = new Map(nodes.map(({ id }, index) => [id, `s${index}`]));
  const plain = (text: string) =>
    text
      .replace(/["#;:]/g, ' ')
      .replace(/\s+/g, ' ')
      .trim();
  const lines = nodes.map(({ id, label }) => `  state "${plain(label)}" as ${names.get(id)}`);
  const ends = nodes.filter(({ kind }) => kind === 'final').map(({ id }) => `  ${names.get(id)} --> [*]`);
  const ways = arrows.map(
    ({ from, to, label }) => `  ${names.get(from)} --> ${names.get(to)}: ${plain(label)}`,
  );
  return ['stateDiagram-v2', ...lines, `  [*] --> ${names.get(first)}`, ...ways, ...ends, ''].join('\n');
}
