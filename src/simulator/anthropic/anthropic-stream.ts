/**
 * A message as Anthropic's server-sent events: message_start, then per content block start, deltas and stop, then
 * message_delta with the stop reason and the final usage, then message_stop.
 */
import type { ContentBlock } from './anthropic-reply.ts';

export interface ModelMessage {
  readonly id: string;
  readonly type: 'message';
  readonly role: 'assistant';
  readonly model: string;
  readonly content: readonly ContentBlock[];
  readonly stop_reason: 'end_turn' | 'tool_use' | 'max_tokens' | 'stop_sequence';
  readonly stop_sequence: string | null;
  readonly usage: {
    readonly input_tokens: number;
    readonly cache_creation_input_tokens: number;
    readonly cache_read_input_tokens: number;
    readonly output_tokens: number;
    readonly service_tier: 'standard';
  };
}

const DELTA_CHARS = 40;

const event = (name: string, data: Record<string, unknown>): string =>
  `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;

function pieces(text: string): string[] {
  const chars = [...text];
  const cut: string[] = [];
  for (let at = 0; at < chars.length; at += DELTA_CHARS) cut.push(chars.slice(at, at + DELTA_CHARS).join(''));
  return cut;
}

function blockEvents(block: ContentBlock, index: number): string[] {
  const isText = block.type === 'text';
  const empty = isText
    ? { type: 'text', text: '' }
    : { type: 'tool_use', id: block.id, name: block.name, input: {} };
  const deltas = pieces(isText ? block.text : JSON.stringify(block.input)).map((piece) =>
    isText ? { type: 'text_delta', text: piece } : { type: 'input_json_delta', partial_json: piece },
  );
  return [
    event('content_block_start', { index, content_block: empty }),
    ...deltas.map((delta) => event('content_block_delta', { index, delta })),
    event('content_block_stop', { index }),
  ];
}

/** The stream in chunks, each to be written at once. */
export function streamChunks(message: ModelMessage): string[] {
  const { output_tokens: outputTokens, ...inputUsage } = message.usage;
  const usage = { ...inputUsage, output_tokens: 1 };
  const start = { ...message, content: [], stop_reason: null, stop_sequence: null, usage };
  return [
    event('message_start', { message: start }) + event('ping', {}),
    ...message.content.flatMap(blockEvents),
    event('message_delta', {
      delta: { stop_reason: message.stop_reason, stop_sequence: message.stop_sequence },
      usage: { output_tokens: outputTokens },
    }) + event('message_stop', {}),
  ];
}

/** How a stream ends that has begun well. */
export const streamError = (type: string, message: string): string =>
  event('error', { error: { type, message } });
