/**
 * A store that takes nothing: every body is refused and counted, and the log does not fill the disk that is full.
 */
import { expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import { Refusals } from '#pipeline/webhook/refusals.ts';
import { Metrics } from '#runtime/metrics.ts';
import { createVirtualWorld } from '#testing/virtual-world.ts';

test('each body gets 503; the log tells of the first, then now and then of their number', async () => {
  const world = createVirtualWorld({ seed: 1 });
  const metrics = new Metrics();
  const refusals = new Refusals({ world, telemetry: metrics });
  const fault = new Fault('storeUnavailable', 'The disk is full.');
  const refuse = () => refusals.refuse(fault);
  expect(refuse()).toEqual({ status: 503, retryAfterSeconds: limits.retryAfterMs / 1_000 });
  for (let i = 0; i < 100; i++) refuse();
  await world.advance(limits.refusalLogEveryMs);
  refuse();
  expect(world.logged.map(({ level, fields }) => ({ level, ...fields }))).toEqual([
    { level: 'warn', code: 'storeUnavailable', bodies: 1, err: 'The disk is full.' },
    { level: 'warn', code: 'storeUnavailable', bodies: 101, err: 'The disk is full.' },
  ]);
  expect(await metrics.text()).toContain('nightdesk_store_faults_total{operation="append"} 102');
});
