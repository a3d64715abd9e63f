/** How the nodes and edges of Graph answer: objects cut to the asked fields, pages with cursors, Graph's refusals. */

import type { MetaState } from '../meta-state.ts';
import type { SendOutcome } from '../sending/sends.ts';
import { type GraphErrorOptions, graphErrorAnswer, type HttpAnswer, jsonAnswer } from './graph-errors.ts';
import type { GraphRequest } from './graph-request.ts';

export const asOutcome = (response: HttpAnswer): SendOutcome => ({ kind: 'response', response });

export const answerWith = (value: unknown): SendOutcome => asOutcome(jsonAnswer(200, value));

export const succeeded = (): SendOutcome => answerWith({ success: true });

export type ErrorWords = Omit<GraphErrorOptions, 'traceId'> & { readonly code: number };

export function errorOf(state: MetaState, { code, ...options }: ErrorWords): SendOutcome {
  return asOutcome(graphErrorAnswer(code, { traceId: state.ids.traceId(), ...options }));
}

/** `(#100) ...` without details, as Graph's own checks answer. */
export const parameterError = (state: MetaState, words: string): SendOutcome =>
  errorOf(state, { code: 100, message: `(#100) ${words}`, isBare: true });

export const required = (state: MetaState, parameter: string): SendOutcome =>
  parameterError(state, `The parameter ${parameter} is required.`);

export function noSuchObject(state: MetaState, method: string, id: string): SendOutcome {
  const message = `Unsupported ${method.toLowerCase()} request. Object with ID '${id.slice(0, 64)}' does not exist, cannot be loaded due to missing permissions, or does not support this operation.`;
  return errorOf(state, { code: 100, message, subcode: 33, httpStatus: 400, type: 'GraphMethodException' });
}

export const unknownPath = (state: MetaState, path: string): SendOutcome =>
  errorOf(state, { code: 2500, message: `Unknown path components: /${path.slice(0, 200)}` });

/** Splits `a,b{c,d},e` at its outer commas; what is inside braces is left out of the names. */
export function fieldNames(fields: string): string[] {
  let depth = 0;
  let outer = '';
  for (const char of fields) {
    if (char === '{' || char === '(') depth += 1;
    if (depth === 0) outer += char;
    if (char === '}' || char === ')') depth -= 1;
  }
  return outer
    .split(',')
    .map((name) => (name.split('.')[0] ?? '').trim())
    .filter((name) => name !== '');
}

export interface Node {
  /** As Graph names it in its errors. */
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** What is shown when nothing is asked for. */
  readonly usual: readonly string[];
}

/** The asked fields of a node, or the name of one that does not exist. `undefined` fields exist but have no value. */
export function cutFields(
  node: Node,
  asked: string | undefined,
): Record<string, unknown> | { unknown: string } {
  const names = asked === undefined ? node.usual : [...fieldNames(asked), 'id'];
  const unknown = names.find((name) => !(name in node.fields));
  if (unknown !== undefined) return { unknown };
  return Object.fromEntries(names.map((name) => [name, node.fields[name]]));
}

export function answerNode(state: MetaState, node: Node, request: GraphRequest): SendOutcome {
  const cut = cutFields(node, request.query.fields);
  if (typeof cut.unknown !== 'string') return answerWith(cut);
  return parameterError(
    state,
    `Tried accessing nonexisting field (${cut.unknown}) on node type (${node.type})`,
  );
}

const LIMIT_NORMAL = 25;
const LIMIT_MAX = 1_000;

const cursorOf = (index: number): string => Buffer.from(`at:${index}`, 'latin1').toString('base64url');

function indexOf(cursor: string): number | null {
  const match = /^at:(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  return match ? Number(match[1]) : null;
}

/** One page of a list of nodes: `limit`, `after` and `before`, with cursors for the neighbours. */
export function answerPage(state: MetaState, nodes: readonly Node[], request: GraphRequest): SendOutcome {
  const { limit: askedLimit, after, before, fields } = request.query;
  const limit = askedLimit === undefined ? LIMIT_NORMAL : Number(askedLimit);
  if (!Number.isInteger(limit) || limit < 1)
    return parameterError(state, 'Param limit must be a positive integer.');
  const afterIndex = after ? indexOf(after) : -1;
  const beforeIndex = before ? indexOf(before) : null;
  if (afterIndex === null || (before && beforeIndex === null)) {
    return errorOf(state, { code: 131059, details: 'The cursor is invalid or has expired.' });
  }
  const size = Math.min(limit, LIMIT_MAX);
  const start = beforeIndex === null ? afterIndex + 1 : Math.max(0, beforeIndex - size);
  const end = Math.min(nodes.length, beforeIndex === null ? start + size : beforeIndex);
  const data: Array<Record<string, unknown>> = [];
  for (const node of nodes.slice(start, end)) {
    const cut = cutFields(node, fields);
    if (typeof cut.unknown === 'string') return answerNode(state, node, request);
    data.push(cut);
  }
  if (data.length === 0) return answerWith({ data });
  const cursors = { before: cursorOf(start), after: cursorOf(end - 1) };
  return answerWith({
    data,
    paging: {
      cursors,
      ...(end < nodes.length ? { next: pageUrl(state, request, { after: cursors.after }) } : {}),
      ...(start > 0 ? { previous: pageUrl(state, request, { before: cursors.before }) } : {}),
    },
  });
}

function pageUrl(state: MetaState, request: GraphRequest, cursor: Readonly<Record<string, string>>): string {
  const { after: _after, before: _before, access_token: _token, ...rest } = request.query;
  return `${state.settings.publicUrl}${request.path}?${new URLSearchParams({ ...rest, ...cursor })}`;
}
