/**
 * Wakes and models as an observer sees them. They are drivers, which know no observer, so they are wrapped; where nobody
 * observes they stay as they are.
 */
import { outlineOf } from '#core/model/faults.ts';
import { type ModelClient, ModelFault } from '#core/ports/model.ts';
import type { Wake } from '#core/ports/wake.ts';
import type { World } from '#core/ports/world.ts';

export function observedWake(wake: Wake, { observer, clock }: World): Wake {
  if (observer === undefined) return wake;
  const health = wake.health?.bind(wake);
  const announced = wake.announced?.bind(wake);
  return {
    notify(ref, atMs, urgency) {
      observer.observe({ kind: 'woken', ...ref, dueAtMs: atMs ?? clock.nowMs() });
      wake.notify(ref, atMs, urgency);
    },
    next: (max) => wake.next(max),
    looked: (ref) => wake.looked(ref),
    onReady: (listener) => wake.onReady(listener),
    depth: () => wake.depth(),
    ...(health === undefined ? {} : { health }),
    ...(announced === undefined ? {} : { announced }),
    stop: () => wake.stop(),
  };
}

/** Activities whose attempts are counted; those of older ones begin at 1 again. */
const countedMax = 1_000;

export function observedModel(model: ModelClient, { observer, clock }: World): ModelClient {
  if (observer === undefined) return model;
  const attempts = new Map<string, number>();
  const nextAttempt = (activityId: string): number => {
    const attempt = (attempts.get(activityId) ?? 0) + 1;
    attempts.delete(activityId);
    attempts.set(activityId, attempt);
    const [oldest] = attempts.keys();
    if (attempts.size > countedMax && oldest !== undefined) attempts.delete(oldest);
    return attempt;
  };
  return {
    name: model.name,
    async reply(request) {
      const activityId = request.idempotencyKey;
      const call = { tenantId: request.tenantId, activityId, attempt: nextAttempt(activityId) };
      const startedMs = clock.monotonicMs();
      observer.observe({ kind: 'modelAsked', ...call });
      try {
        const answer = await model.reply(request);
        const { model: name, inputTokens, outputTokens } = answer.usage;
        const took = { inputTokens, outputTokens, tookMs: clock.monotonicMs() - startedMs };
        observer.observe({
          ...{ kind: 'modelAnswered', ...call, outcome: 'answered', code: null, model: name },
          ...took,
        });
        return answer;
      } catch (error) {
        const outcome = request.signal.aborted ? 'aborted' : 'failed';
        const code = error instanceof ModelFault ? error.code : outlineOf(error);
        const took = { inputTokens: 0, outputTokens: 0, tookMs: clock.monotonicMs() - startedMs };
        observer.observe({ ...{ kind: 'modelAnswered', ...call, outcome, code, model: null }, ...took });
        throw error;
      }
    },
  };
}
