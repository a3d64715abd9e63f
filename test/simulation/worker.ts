/** A process that runs seeds as it is told, one at a time, and tells what came of each. */
import { drawPlan, type Plan } from './plan.ts';
import { findVariant } from './planted/index.ts';
import { type Outcome, simulate } from './run.ts';

/** What a worker is asked: a seed or a whole plan, of the product or of a variant that is broken on purpose. */
export interface Order {
  seed: number;
  plan?: Plan;
  variant?: string;
}

export interface Done extends Outcome {
  seed: number;
  wallMs: number;
}

process.on('message', (order: Order) => void work(order));
process.on('disconnect', () => process.exit(0));

async function work({ seed, plan, variant }: Order): Promise<void> {
  const startedMs = performance.now();
  const outcome = await simulate({
    plan: plan ?? drawPlan(seed),
    ...(variant !== undefined && { variant: findVariant(variant) }),
  });
  const done: Done = { ...outcome, story: [], seed, wallMs: performance.now() - startedMs };
  process.send?.(done);
}
