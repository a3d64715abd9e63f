/**
 * Models for a bot under test. `lookAlikeModel` asks the look-alike of Anthropic's API, so that its latency, its faults
 * and its magic words work; `scriptedModel` answers by a function. Both end at once when their signal aborts.
 */
import { type ModelAnswer, type ModelClient, ModelFault, type ModelRequest } from '#core/ports/model.ts';
import type { World } from '#core/ports/world.ts';
import type { Anthropic, CallEnd, ModelOutcome } from '#simulator/index.ts';

type Time = Pick<World, 'clock' | 'timers'>;

const noAnswer = (why: string) =>
  new ModelFault('network', `The model gave no whole answer: ${why}.`, { retryable: true });

export function lookAlikeModel({ clock, timers }: Time, anthropic: Anthropic): ModelClient {
  return {
    name: 'look-alike',
    reply: (request) =>
      new Promise((resolve, reject) => {
        const outcome = anthropic.handle(requestOf(request), clock.nowMs());
        let isOver = false;
        const end = (how: CallEnd, settle: () => void) => {
          if (isOver) return;
          isOver = true;
          anthropic.ended(outcome.callId, how, clock.nowMs());
          settle();
        };
        whenAborted(request.signal, () => end('aborted', () => reject(noAnswer('the call was aborted'))));
        if (outcome.kind === 'hang') return;
        timers.after(outcome.delayMs, () => {
          if (outcome.kind === 'response') end('answered', () => settleBy(outcome, resolve, reject));
          else end('lost', () => reject(noAnswer('the connection broke')));
        });
      }),
  };
}

/** What a scripted model says: words, what a real one would also say, or a fault by being thrown. */
export type Script = (
  /** What the customer wrote since the last answer. */
  asked: readonly string[],
  request: ModelRequest,
) => string | ModelAnswer | Promise<string | ModelAnswer>;

/** Asked at once, answered after `afterMs`. */
export function scriptedModel({ timers }: Pick<Time, 'timers'>, script: Script, afterMs = 300): ModelClient {
  return {
    name: 'scripted',
    reply: (request) =>
      new Promise((resolve, reject) => {
        const last = request.messages.findLastIndex(({ role }) => role === 'assistant');
        const asked = request.messages.slice(last + 1).map(({ text }) => text);
        whenAborted(request.signal, () => reject(noAnswer('the call was aborted')));
        timers.after(afterMs, () => {
          // In a promise, so that what the script throws is the model's fault and not the timer's.
          Promise.resolve()
            .then(() => script(asked, request))
            .then((said) => resolve(typeof said === 'string' ? answerOf(said) : said), reject);
        });
      }),
  };
}

const answerOf = (text: string): ModelAnswer => ({
  text,
  usage: { model: 'scripted', inputTokens: 1, outputTokens: 1 },
});

function whenAborted(signal: AbortSignal, fn: () => void): void {
  if (signal.aborted) fn();
  else signal.addEventListener('abort', fn, { once: true });
}

const handOffTool = {
  name: 'handOff',
  input_schema: { type: 'object', properties: { reason: { type: 'string' } }, required: ['reason'] },
};

function requestOf(request: ModelRequest) {
  const body = JSON.stringify({
    model: request.model ?? 'claude-haiku-5-5',
    max_tokens: 2_048,
    system: request.system,
    messages: request.messages.map(({ role, text }) => ({ role, content: text })),
    ...(request.offerHandOff ? { tools: [handOffTool] } : {}),
  });
  const headers = { 'x-api-key': `key of ${request.tenantId}`, 'anthropic-version': '2023-06-01' };
  return { method: 'POST', path: '/v1/messages', query: {}, headers, body };
}

interface Message {
  model: string;
  content: { type: string; text?: string; input?: { reason?: string } }[];
  usage: { input_tokens: number; output_tokens: number };
}

function settleBy(
  { response }: Extract<ModelOutcome, { kind: 'response' }>,
  resolve: (answer: ModelAnswer) => void,
  reject: (fault: ModelFault) => void,
): void {
  const { status, headers, body } = response;
  if (status !== 200) {
    const code = status === 429 ? 'rateLimited' : status >= 500 ? 'overloaded' : 'badRequest';
    const waitSeconds = Number(headers['retry-after']);
    const wait = Number.isFinite(waitSeconds) ? { retryAfterMs: waitSeconds * 1_000 } : {};
    const retryable = code !== 'badRequest';
    reject(new ModelFault(code, `The model answered ${status}.`, { retryable, ...wait }));
    return;
  }
  const { model, content, usage } = JSON.parse(body) as Message;
  const call = content.find(({ type }) => type === 'tool_use');
  resolve({
    text: content.map(({ text }) => text ?? '').join(''),
    ...(call === undefined ? {} : { handOff: { reason: call.input?.reason ?? '' } }),
    usage: { model, inputTokens: usage.input_tokens, outputTokens: usage.output_tokens },
  });
}
