/**
 * The model of a simulation, at its port: it answers with the customer's words since the last answer, so that what a
 * reply answers can be read from it, and goes wrong as the plan says.
 */
import { type ModelAnswer, type ModelClient, ModelFault, type ModelRequest } from '#core/ports/model.ts';
import type { Timers } from '#core/ports/world.ts';
import type { Journal } from './journal.ts';
import type { Plan } from './plan.ts';

export interface SimulatedModelOptions {
  process: number;
  plan: Plan;
  random: () => number;
  timers: Timers;
  journal: Journal;
  nextCall: () => number;
  isHealed: () => boolean;
}

const wordsOf = (texts: readonly string[]) => texts.flatMap((text) => text.match(/\bw\d+\b/g) ?? []);

type Outcome = 'hangs' | 'handsOff' | 'saysNothing' | 'answers' | ModelFault;

function drawOutcome({ plan: { rates }, random, isHealed }: SimulatedModelOptions): Outcome {
  const happens = (rate: number) => random() < rate && !isHealed();
  if (happens(rates.modelHangs)) return 'hangs';
  if (happens(rates.modelFails))
    return new ModelFault('overloaded', 'The model failed.', { retryable: true });
  if (happens(rates.modelRateLimits))
    return new ModelFault('rateLimited', 'Too many requests.', { retryable: true, retryAfterMs: 1_000 });
  if (happens(rates.modelRefuses))
    return new ModelFault('refused', 'The model refuses.', { retryable: false });
  if (happens(rates.modelHandsOff)) return 'handsOff';
  return happens(rates.modelSaysNothing) ? 'saysNothing' : 'answers';
}

export function createSimulatedModel(options: SimulatedModelOptions): ModelClient {
  const { process, plan, random, timers, journal } = options;
  return {
    name: 'simulated',
    reply: (request) =>
      new Promise((resolve, reject) => {
        const call = options.nextCall();
        const key = request.idempotencyKey;
        const { words, all } = askedOf(request);
        journal.note({ kind: 'asked', process, call, tenantId: request.tenantId, key, words, all });
        const outcome = drawOutcome(options);
        const afterMs = plan.modelMs.minMs + random() * (plan.modelMs.maxMs - plan.modelMs.minMs);
        let isOver = false;
        const end = (how: string, settle: () => void) => {
          if (isOver) return;
          isOver = true;
          journal.note({ kind: 'modelEnded', process, call, key, how, words });
          settle();
        };
        const onAbort = () =>
          end('aborted', () =>
            reject(new ModelFault('network', 'The call was aborted.', { retryable: true })),
          );
        if (request.signal.aborted) return onAbort();
        request.signal.addEventListener('abort', onAbort);
        if (outcome === 'hangs') return;
        timers.after(afterMs, () => {
          if (outcome instanceof ModelFault) end(outcome.code, () => reject(outcome));
          else end(outcome, () => resolve(answerOf(outcome, words)));
        });
      }),
  };
}

function askedOf({ messages }: ModelRequest): { words: string[]; all: string[] } {
  const last = messages.findLastIndex((message) => message.role === 'assistant');
  const customers = (from: number) =>
    wordsOf(messages.slice(from).flatMap(({ role, text }) => (role === 'user' ? [text] : [])));
  return { words: customers(last + 1), all: customers(0) };
}

function answerOf(outcome: 'handsOff' | 'saysNothing' | 'answers', words: string[]): ModelAnswer {
  const usage = { model: 'simulated', inputTokens: 1, outputTokens: 1 };
  if (outcome === 'saysNothing') return { text: '', usage };
  if (outcome === 'handsOff') return { text: '', handOff: { reason: 'asked for a person' }, usage };
  return { text: `re: ${words.length === 0 ? 'what you sent' : words.join(' ')}`, usage };
}
