/**
 * Models in virtual time. `lookAlikeModel` asks the look-alike of Anthropic's API, so that its faults and magic words work;
 * `scriptedModel` answers by a function of a test. Both end at once when their signal aborts, as providers' packages do.
 */
import { type ModelAnswer, type ModelClient, ModelFault, type ModelRequest } from '#core/ports/model.ts';
import type { World } from '#core/ports/world.ts';
import type { Anthropic, ModelOutcome } from '#simulator/index.ts';

const network = (what: string) => new ModelFault('network', `No whole answer: ${what}.`, { retryable: true });

export function lookAlikeModel(world: Pick<World, 'clock' | 'timers'>, anthropic: Anthropic): ModelClient {
  return {
    name: 'look-alike',
    reply: (request) =>
      new Promise((resolve, reject) => {
        const outcome = anthropic.handle(requestOf(request), world.clock.nowMs());
        let isOver = false;
        const end = (how: 'answered' | 'aborted' | 'lost', settle: () => void) => {
          if (isOver) return;
          isOver = true;
          anthropic.ended(outcome.callId, how, world.clock.nowMs());
          settle();
        };
        whenAborted(request, () => end('aborted', () => reject(network('aborted'))));
        if (outcome.kind === 'hang') return;
        world.timers.after(outcome.delayMs, () => {
          if (outcome.kind !== 'response') end('lost', () => reject(network('lost')));
          else end('answered', () => settleBy(outcome, resolve, reject));
        });
      }),
  };
}

function whenAborted({ signal }: ModelRequest, fn: () => void): void {
  if (signal.aborted) fn();
  else signal.addEventListener('abort', fn);
}

function requestOf(request: ModelRequest) {
  const tools = [
    { name: 'handOff', input_schema: { properties: { reason: { type: 'string' } }, required: ['reason'] } },
  ];
  const body = JSON.stringify({
    model: request.model ?? 'claude',
    max_tokens: 1_000,
    system: request.system,
    messages: request.messages.map(({ role, text }) => ({ role, content: text })),
    ...(request.offerHandOff ? { tools } : {}),
  });
  const headers = { 'x-api-key': `key of ${request.tenantId}`, 'anthropic-version': '2023-06-01' };
  return { method: 'POST', path: '/v1/messages', query: {}, headers, body };
}

interface Message {
  content: { type: string; text?: string; input?: { reason?: string } }[];
  usage: { input_tokens: number; output_tokens: number };
}

function settleBy(
  { response }: Extract<ModelOutcome, { kind: 'response' }>,
  resolve: (answer: ModelAnswer) => void,
  reject: (fault: ModelFault) => void,
): void {
  if (response.status !== 200) {
    const code = response.status === 429 ? 'rateLimited' : 'overloaded';
    reject(new ModelFault(code, `The model answered ${response.status}.`, { retryable: true }));
    return;
  }
  const { content, usage } = JSON.parse(response.body) as Message;
  const call = content.find((block) => block.type === 'tool_use');
  resolve({
    text: content.map((block) => block.text ?? '').join(''),
    ...(call === undefined ? {} : { handOff: { reason: call.input?.reason ?? '' } }),
    usage: { model: 'look-alike', inputTokens: usage.input_tokens, outputTokens: usage.output_tokens },
  });
}

export interface ScriptedCall {
  atMs: number;
  request: ModelRequest;
  /** The customer's words since the last answer, as the model was asked them. */
  asked: string[];
}

/** What a scripted model does: words after a time, silence, or a fault. */
export type Script = (
  call: ScriptedCall,
  index: number,
) => { text: string; afterMs?: number } | 'hang' | ModelFault;

export interface ScriptedModel extends ModelClient {
  readonly calls: readonly ScriptedCall[];
}

export function scriptedModel(world: Pick<World, 'clock' | 'timers'>, script: Script): ScriptedModel {
  const calls: ScriptedCall[] = [];
  return {
    name: 'scripted',
    calls,
    reply: (request) =>
      new Promise((resolve, reject) => {
        const last = request.messages.findLastIndex((message) => message.role === 'assistant');
        const asked = request.messages.slice(last + 1).map((message) => message.text);
        const call = { atMs: world.clock.nowMs(), request, asked };
        calls.push(call);
        const said = script(call, calls.length - 1);
        whenAborted(request, () => reject(network('aborted')));
        if (said === 'hang') return;
        if (said instanceof ModelFault) return reject(said);
        const usage = { model: 'scripted', inputTokens: 1, outputTokens: 1 };
        world.timers.after(said.afterMs ?? 300, () => resolve({ text: said.text, usage }));
      }),
  };
}
