/** What the doctor says of the queue: the credentials, the queue itself, the keys of the issuer. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { examineTasks } from '#runtime/doctor/cloud-tasks.ts';
import { openStage, queue, type Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const examine = async () => {
  const { config, world } = stage.nightdesk;
  const found = await examineTasks({ config, world, tenants: [] });
  return Object.fromEntries(found.map((finding) => [finding.check, finding]));
};

test('all is well', async () => {
  const found = await examine();
  expect(found['task queue']).toMatchObject({ status: 'ok' });
  expect(found['keys of the task tokens']).toMatchObject({ status: 'ok' });
});

test('a paused queue answers nobody; one that is not there wakes nobody', async () => {
  await stage.api('POST', ':pause');
  expect((await examine())['task queue']).toMatchObject({
    status: 'warn',
    says: expect.stringMatching(/paused/),
  });
  stage.sim.tasks.set({ queues: [`${queue}-other`] });
  expect((await examine())['task queue']).toMatchObject({
    status: 'fail',
    todo: expect.stringMatching(/CLOUD_TASKS_QUEUE/),
  });
});

test('without an access token, or without keys, nothing works', async () => {
  await stage.sim.close();
  const found = await examine();
  expect(found['task queue']).toMatchObject({
    status: 'fail',
    says: expect.stringMatching(/no access token/),
  });
  expect(found['keys of the task tokens']).toMatchObject({
    status: 'fail',
    says: expect.stringMatching(/shows no keys/),
  });
});

test('where wakes are no tasks there is nothing to say', async () => {
  const { config, world } = stage.nightdesk;
  const local = { ...config, wake: { driver: 'local' as const } };
  expect(await examineTasks({ config: local, world, tenants: [] })).toEqual([]);
});
