/** A way through a dialog as a chat, with what was assumed of guards on the way. */
import { type Edge, wayTo } from './graph.ts';

export function transcriptOf(edge: Edge | null, ...ends: readonly string[]): string[] {
  if (edge === null) return [...ends];
  return [...wayTo(edge).flatMap(linesOf), ...ends];
}

/** Several edges one after another, the first with its way from the beginning. */
export function transcriptOfAll(edges: readonly Edge[], ...ends: readonly string[]): string[] {
  const [first, ...rest] = edges;
  return [...transcriptOf(first ?? null), ...rest.flatMap(linesOf), ...ends];
}

function linesOf({ from, to, happening, given, said, fault }: Edge): string[] {
  if (happening.kind === 'drained' && said.length === 0 && from?.place === to?.place) return [];
  const guards = [...new Set(given.map(({ guard, answer }) => `${guard}: ${answer ? 'yes' : 'no'}`))];
  const supposed = guards.length === 0 ? [] : [`    if ${guards.join(', ')}`];
  const isMove = to !== null && from?.place !== to.place;
  return [
    happening.words,
    ...supposed,
    ...said,
    ...(fault === null ? [] : ['    the dialog throws']),
    ...(isMove ? [`    -> ${to.label}`] : []),
  ];
}
