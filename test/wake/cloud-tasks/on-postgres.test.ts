/** Several processes on one Postgres: one takes webhooks, the others get tasks and do the work. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { ModelClient } from '#core/ports/model.ts';
import type { MovableWorld } from '#runtime/world/real-world.ts';
import { openPostgresStore } from '#store/postgres/index.ts';
import { isPostgresHere, makeSchema, postgresUrl, type TestSchema } from '../../store/postgres/server.ts';
import { openStage, type Server, type Stage, startServer } from './stage.ts';

const isHere = await isPostgresHere();
let schema: TestSchema;
let stage: Stage | null = null;
const servers: Server[] = [];

/** What the tasks say that were made, in order. */
const bodies = ({ sim }: Stage) =>
  sim.meta.log
    .read({ kinds: new Set(['taskCreated']) })
    .flatMap((event) => (event.kind === 'taskCreated' ? [event.body] : []));

/** Never answers. */
function hangingModel(): { model: ModelClient; held: () => number } {
  let held = 0;
  const reply = () => {
    held += 1;
    return new Promise<never>(() => {});
  };
  return { model: { name: 'hanging', reply }, held: () => held };
}

const openShared = ({ timers }: MovableWorld) =>
  openPostgresStore({
    ...{ url: postgresUrl, schema: schema.name, connectionsMax: 3, clock: 'caller', soon: timers.soon },
  });

describe.skipIf(!isHere)('several processes on Postgres', () => {
  beforeAll(async () => {
    schema = await makeSchema('cloud_tasks');
  });
  afterAll(() => schema.drop());
  beforeEach(() => schema.wipe());
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
    await stage?.close();
    stage = null;
  });

  test('one that only takes webhooks makes tasks, and another works on them', async () => {
    const worker = await openStage({ openShared, roles: ['turn', 'activity', 'outbox'] });
    stage = worker;
    const env = { CLOUD_TASKS_TARGET_URL: worker.url };
    const door = await startServer({ openShared, env, roles: ['webhook'] }, worker.world, worker.sim);
    servers.push(door);
    for (const text of ['one', 'two', 'three']) {
      await worker.say(text);
      await worker.say(text, '15550002');
    }
    await worker.until(() => saidAll(worker, ['one', 'two', 'three']), 'all was answered');
    await worker.until(() => worker.sim.tasks.stats().inFlight === 0, 'no request is under way');
    expect(await worker.counter('nightdesk_wake_requests_total', { status: '200' })).toBeGreaterThan(0);
    expect((await fetch(`${door.url}/internal/wake`, { method: 'POST' })).status).toBe(404);
    expect(await worker.nightdesk.store.stats()).toMatchObject({ mailboxDepth: 0, awaiting: 0 });
  });

  test('what a dead process had begun is taken over once its lease is over, before the scheduler calls', async () => {
    const { model, held } = hangingModel();
    const first = await openStage({ openShared, model });
    stage = first;
    await first.say('hello');
    await first.until(() => held() === 1, 'the model was asked');
    servers.push(await startServer({ openShared }, first.world, first.sim));
    await first.nightdesk.stop({ deadlineMs: 0 });
    first.pass(limits.leaseTtlMs + 1_000);
    await first.until(() => first.answers().length >= 1, 'an answer');
    expect(first.answers()).toEqual(['You said: hello']);
  });

  test('a sweep looks anew while another one waits for what it took over', async () => {
    const { model, held } = hangingModel();
    const first = await openStage({ openShared, model });
    stage = first;
    await first.say('hello');
    await first.until(() => held() === 1, 'the model was asked');
    // Its tasks go where nobody works, so that only sweeps find anything.
    const env = { CLOUD_TASKS_TARGET_URL: first.url };
    const second = await startServer({ openShared, model, env }, first.world, first.sim);
    servers.push(second);
    await first.nightdesk.stop({ deadlineMs: 0 });
    first.pass(limits.leaseTtlMs + 1_000);
    const sweep = () =>
      fetch(`${second.url}/internal/wake`, {
        method: 'POST',
        headers: { authorization: `Bearer ${first.goodToken()}` },
        body: '{"sweep":true}',
      }).catch(() => null);
    void sweep();
    await first.until(() => held() === 2, 'the model was asked anew');
    const known = new Set(bodies(first));
    await first.say('and I', '15550002');
    const times = () =>
      bodies(first).filter((body) => !known.has(body) && body.includes('conversationId')).length;
    await first.until(() => times() === 1, 'a task of it');
    void sweep();
    await first.until(() => times() === 2, 'one more, of the sweep');
  });

  test('a process that goes in the middle of its work answers nobody twice, and nothing is lost', async () => {
    const { model, held } = hangingModel();
    const first = await openStage({ openShared, model });
    stage = first;
    await first.say('hello');
    await first.until(() => held() === 1, 'the model was asked');
    const env = { CLOUD_TASKS_TARGET_URL: first.url };
    const second = await startServer({ openShared, env }, first.world, first.sim);
    servers.push(second);
    await first.nightdesk.stop({ deadlineMs: 0 });
    // Its leases run out, and whoever sweeps next takes over what it had begun.
    first.pass(120_000);
    const swept = await fetch(`${second.url}/internal/wake`, {
      method: 'POST',
      headers: { authorization: `Bearer ${first.goodToken()}` },
      body: '{"sweep":true}',
    });
    expect(swept.status).toBe(200);
    await first.until(() => first.answers().length >= 1, 'an answer');
    expect(first.answers()).toEqual(['You said: hello']);
  });
});

/** What was said close together may be one answer. */
const saidAll = (at: Stage, texts: readonly string[]): boolean => {
  const got = at.answers().join('\n');
  return at.answers().length >= 2 && got.includes(texts.at(-1) ?? '') && at.sim.tasks.stats().waiting === 0;
};
