/**
 * Overhead: from the moment a customer's message leaves Meta to the moment Meta has the answer, with a model that needs
 * no time, at an easy 50 messages a second. What remains is what the server itself adds, both HTTP calls included.
 */

import type { Plan } from '../plan.ts';
import { percentile } from '../statistics.ts';
import { allAnswered, type Town } from '../town.ts';

export type OverheadFigures = Record<'p50Ms' | 'p99Ms' | 'messages' | 'unanswered', number>;

const answerMaxMs = 10_000;

export async function overheadOf(
  { talk }: Pick<Town, 'talk'>,
  { overhead }: Pick<Plan, 'overhead'>,
): Promise<OverheadFigures> {
  await sayEvenly(overhead.warmUpMessages);
  await allAnswered(talk, answerMaxMs);
  const begin = talk.count;
  await sayEvenly(overhead.messages);
  await allAnswered(talk, answerMaxMs);
  const said = talk.since(begin);
  const latenciesMs = said.flatMap(({ saidAtMs, answeredAtMs }) =>
    answeredAtMs === null ? [] : [answeredAtMs - saidAtMs],
  );
  return {
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    messages: said.length,
    unanswered: said.length - latenciesMs.length,
  };

  /** An open loop: a late answer delays no later message. */
  function sayEvenly(messages: number): Promise<void> {
    const beginMs = performance.now();
    let said = 0;
    return new Promise((resolve) => {
      const tick = (): void => {
        const due = ((performance.now() - beginMs) / 1_000) * overhead.messagesPerSecond;
        while (said < Math.min(due, messages)) said += Math.max(talk.say(1), 1);
        if (said >= messages) {
          resolve();
          return;
        }
        const nextMs = (said / overhead.messagesPerSecond) * 1_000 - (performance.now() - beginMs);
        setTimeout(tick, Math.max(1, nextMs));
      };
      tick();
    });
  }
}
