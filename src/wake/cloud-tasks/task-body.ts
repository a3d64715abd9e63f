/**
 * What a task says when it comes to the door: whose conversation to look at, which of its sends may leave, what of all
 * conversations may be due, or to sweep. It is a hint and nothing more, so an unknown key is no error: an older process may
 * get the task of a newer one. To add a hint, add it here and to the door's work (`runtime/wake-requests.ts`).
 */
import { limits } from '#core/limits.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { type SendPriority, type SendRef, sendPriorities } from '#core/model/sends.ts';

/** What is looked at for all conversations at once. */
export type Look = 'timers' | 'uncertain';

export type TaskBody =
  /** A conversation may have something to do; `sends` of it may leave. */
  | { kind: 'conversation'; ref: ConversationRef; sends: readonly SendRef[] }
  | { kind: 'look'; at: Look }
  | { kind: 'sweep' };

/** The same hint is the same text, so that it can be told by its hash. */
export function writeBody(body: TaskBody): string {
  switch (body.kind) {
    case 'conversation': {
      const { tenantId, conversationId } = body.ref;
      const sends = body.sends
        .slice(0, limits.taskSendsMax)
        .map(({ sendId, phoneNumberId, priority }) => ({ sendId, phoneNumberId, priority }));
      return JSON.stringify({ tenantId, conversationId, ...(sends.length > 0 && { sends }) });
    }
    case 'look':
      return JSON.stringify({ look: body.at });
    case 'sweep':
      return JSON.stringify({ sweep: true });
  }
}

/** Null where it is none. */
export function readBody(bytes: Uint8Array): TaskBody | null {
  const read = parse(bytes);
  if (read === null) return null;
  if (read.sweep === true) return { kind: 'sweep' };
  if (read.look === 'timers' || read.look === 'uncertain') return { kind: 'look', at: read.look };
  const { tenantId, conversationId, sends = [] } = read;
  if (!isId(tenantId) || !isId(conversationId) || !Array.isArray(sends)) return null;
  const ref = { tenantId, conversationId };
  const refs = sends.map((each: unknown) => readSend(ref, each));
  if (refs.length > limits.taskSendsMax || refs.includes(null)) return null;
  return { kind: 'conversation', ref, sends: refs.filter((each) => each !== null) };
}

function readSend(ref: ConversationRef, given: unknown): SendRef | null {
  if (!isObject(given)) return null;
  const { sendId, phoneNumberId, priority } = given;
  if (!isId(sendId) || !isId(phoneNumberId) || !isPriority(priority)) return null;
  return { ref, sendId, phoneNumberId, priority };
}

function parse(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const read: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return isObject(read) ? read : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 200;
const isPriority = (value: unknown): value is SendPriority =>
  sendPriorities.some((priority) => priority === value);
