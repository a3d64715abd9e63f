/**
 * What the look-alike of a model says: a function of the request alone, so that a checker can prove from a reply which
 * messages it answers. The reply repeats, verbatim, all user texts since the last assistant message. If the last of them
 * asks for a person and a hand-off tool is offered, the reply is a call of that tool.
 *
 * Magic words in the last user text steer one call: "!slow 5000", "!hang", "!fail", "!429", "!529", "!cut". The failing
 * ones take a count: "!fail 2" fails twice for that very text, then answers.
 */
import { type JsonObject, readArray, readObject, readString } from '../control/json-reading.ts';

export interface Tool {
  readonly name: string;
  readonly schema: JsonObject;
}

export interface ModelRequest {
  readonly model: string;
  readonly stream: boolean;
  /** User texts since the last assistant message, in order. */
  readonly texts: readonly string[];
  /** The trailing user messages bring a tool's result: a tool is not called again. */
  readonly hasToolResult: boolean;
  readonly tools: readonly Tool[];
  readonly toolChoice: { readonly type: string; readonly name: string | null };
  readonly inputChars: number;
  /** Null where it is not asked for an answer, but for a count. */
  readonly tokensMax: number | null;
  readonly stopSequences: readonly string[];
}

export type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: JsonObject };

export interface Magic {
  readonly slowMs: number;
  readonly hang: boolean;
  readonly cut: boolean;
  /** HTTP status to fail with, and for how many calls (null: always). */
  readonly fail: { readonly httpStatus: number; readonly callsMax: number | null } | null;
}

const HAND_OFF_TOOL = 'handOff';
const ASKS_FOR_PERSON = /\b(human|person|agent)\b/i;

function textsOf(content: unknown): { texts: string[]; hasToolResult: boolean; chars: number } {
  const plain = readString(content);
  if (plain !== undefined) return { texts: [plain], hasToolResult: false, chars: plain.length };
  const texts: string[] = [];
  let hasToolResult = false;
  let chars = 0;
  for (const each of readArray(content) ?? []) {
    const block = readObject(each);
    if (block?.type === 'tool_result') hasToolResult = true;
    else if (block?.type === 'text') texts.push(readString(block.text) ?? '');
    else if (block) texts.push(`[${String(block.type)}]`);
    chars += texts.at(-1)?.length ?? 0;
  }
  return { texts, hasToolResult, chars };
}

/** What the real one says of a conversation that cannot be, or null. */
function problemOf(messages: readonly unknown[]): string | null {
  let open = new Set<string>();
  for (const [index, each] of messages.entries()) {
    const message = readObject(each);
    const at = `messages.${index}`;
    if (message?.role !== 'user' && message?.role !== 'assistant')
      return 'messages: role must be "user" or "assistant"';
    const blocks = (readArray(message.content) ?? []).map((block): JsonObject => readObject(block) ?? {});
    const plain = readString(message.content);
    const isEmpty = plain === undefined ? blocks.length === 0 : plain === '';
    if (isEmpty) return `${at}: all messages must have non-empty content`;
    const empty = blocks.findIndex((block) => block.type === 'text' && readString(block.text) === '');
    if (empty >= 0) return `${at}: text content blocks must be non-empty`;
    const answered = new Set(
      blocks.flatMap((block) => (block.type === 'tool_result' ? (readString(block.tool_use_id) ?? []) : [])),
    );
    const unasked = [...answered].find((id) => !open.has(id));
    if (unasked !== undefined)
      return `${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${unasked}`;
    const unanswered = [...open].find((id) => !answered.has(id));
    if (unanswered !== undefined)
      return `${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${unanswered}`;
    open = new Set(
      blocks.flatMap((block) => (block.type === 'tool_use' ? (readString(block.id) ?? []) : [])),
    );
  }
  return null;
}

/** The request's parts, or what is wrong with it. */
export function readModelRequest(value: unknown, { isCount }: { isCount: boolean }): ModelRequest | string {
  const body = readObject(value);
  if (!body) return 'The request body is not valid JSON.';
  const model = readString(body.model);
  if (!model) return 'model: Field required';
  const tokensMax = typeof body.max_tokens === 'number' ? body.max_tokens : null;
  if (tokensMax === null && !isCount) return 'max_tokens: Field required';
  if (tokensMax !== null && tokensMax < 1) return 'max_tokens: must be greater than or equal to 1';
  const messages = readArray(body.messages);
  if (!messages) return 'messages: Field required';
  if (messages.length === 0) return 'messages: at least one message is required';
  const problem = problemOf(messages);
  if (problem !== null) return problem;
  let inputChars = readString(body.system)?.length ?? textsOf(body.system).chars;
  let trailing: string[] = [];
  let hasToolResult = false;
  for (const each of messages) {
    const message = readObject(each);
    if (message?.role === 'assistant') {
      trailing = [];
      hasToolResult = false;
    } else if (message?.role === 'user') {
      const read = textsOf(message.content);
      trailing.push(...read.texts);
      hasToolResult ||= read.hasToolResult;
    }
    inputChars += textsOf(message?.content).chars;
  }
  const choice = readObject(body.tool_choice);
  return {
    model,
    stream: body.stream === true,
    texts: trailing,
    hasToolResult,
    tools: (readArray(body.tools) ?? []).flatMap((each) => {
      const tool = readObject(each);
      const name = readString(tool?.name);
      return name === undefined ? [] : [{ name, schema: readObject(tool?.input_schema) ?? {} }];
    }),
    toolChoice: { type: readString(choice?.type) ?? 'auto', name: readString(choice?.name) ?? null },
    inputChars,
    tokensMax: isCount ? null : tokensMax,
    stopSequences: (readArray(body.stop_sequences) ?? []).flatMap((each) => readString(each) ?? []),
  };
}

/** The simplest input the schema accepts; strings carry the customer's last words. */
function inputFor(schema: JsonObject, words: string): JsonObject {
  const properties = readObject(schema.properties) ?? {};
  const required = readArray(schema.required) ?? [];
  const input: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (!required.includes(name)) continue;
    const property = readObject(value) ?? {};
    const choices = readArray(property.enum);
    if (choices) input[name] = choices[0];
    else if (property.type === 'number' || property.type === 'integer') input[name] = 1;
    else if (property.type === 'boolean') input[name] = true;
    else if (property.type === 'array') input[name] = [];
    else if (property.type === 'object') input[name] = inputFor(property, words);
    else input[name] = words;
  }
  return input;
}

function toolToCall(request: ModelRequest): Tool | undefined {
  const { tools, toolChoice } = request;
  if (toolChoice.type === 'none') return undefined;
  if (toolChoice.type === 'tool') return tools.find((tool) => tool.name === toolChoice.name);
  if (request.hasToolResult) return undefined;
  const handOff = tools.find((tool) => tool.name === HAND_OFF_TOOL);
  const asks = ASKS_FOR_PERSON.test(request.texts.at(-1) ?? '');
  if (handOff && asks) return handOff;
  return toolChoice.type === 'any' ? tools[0] : undefined;
}

export function replyTo(request: ModelRequest, prefix: string, toolUseId: () => string): ContentBlock[] {
  const words = request.texts.at(-1) ?? '';
  const tool = toolToCall(request);
  if (tool) {
    return [{ type: 'tool_use', id: toolUseId(), name: tool.name, input: inputFor(tool.schema, words) }];
  }
  return [{ type: 'text', text: `${prefix}${request.texts.join(' | ')}` }];
}

/** About what a token is. */
export const CHARS_PER_TOKEN = 4;

export const inputTokensOf = (request: ModelRequest): number =>
  Math.ceil(request.inputChars / CHARS_PER_TOKEN) + 8;

/** Where the answer ends before its end: at a stop sequence, or where it has become too long. */
export function cutReply(
  content: readonly ContentBlock[],
  { tokensMax, stopSequences }: ModelRequest,
): {
  content: readonly ContentBlock[];
  reason: 'max_tokens' | 'stop_sequence' | null;
  sequence: string | null;
} {
  const [block] = content;
  if (block?.type !== 'text') return { content, reason: null, sequence: null };
  const stop = stopSequences
    .map((sequence) => ({ sequence, at: block.text.indexOf(sequence) }))
    .filter(({ at, sequence }) => at >= 0 && sequence !== '')
    .sort((a, b) => a.at - b.at)[0];
  const text = stop === undefined ? block.text : block.text.slice(0, stop.at);
  const charsMax = (tokensMax ?? Number.POSITIVE_INFINITY) * CHARS_PER_TOKEN;
  if (text.length > charsMax)
    return {
      content: [{ type: 'text', text: text.slice(0, charsMax) }],
      reason: 'max_tokens',
      sequence: null,
    };
  if (stop === undefined) return { content, reason: null, sequence: null };
  return { content: [{ type: 'text', text }], reason: 'stop_sequence', sequence: stop.sequence };
}

export function readMagic(texts: readonly string[]): Magic {
  const words = texts.at(-1) ?? '';
  const slow = /!slow\s+(\d{1,7})/.exec(words);
  const fail = /!(fail|429|529)(?:\s+(\d{1,4}))?/.exec(words);
  const status = fail?.[1] === 'fail' ? 500 : Number(fail?.[1]);
  return {
    slowMs: Number(slow?.[1] ?? 0),
    hang: words.includes('!hang'),
    cut: words.includes('!cut'),
    fail: fail ? { httpStatus: status, callsMax: fail[2] === undefined ? null : Number(fail[2]) } : null,
  };
}
