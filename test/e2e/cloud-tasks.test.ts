/**
 * WAKE=cloud-tasks with the process as an operator runs it: killed with SIGKILL again and again in the middle of requests,
 * tasks that come twice, and one call of the scheduler a second. Each customer gets one answer.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { ServerProcess, until } from '../proof/server-process.ts';
import { email, environmentOf, freePort } from '../wake/cloud-tasks/stage.ts';

const customers = 40;
const kills = 4;
const patienceMs = 60_000;
const phoneNumberId = '106540352242922';
const wabaId = '102290129340398';
const world = createRealWorld({ log: createLog({ level: 'silent' }) });
let sim: Simulator;
let server: ServerProcess;
let sweeps = 0;

beforeAll(async () => {
  sim = await startSimulator({
    world: { nowMs: world.clock.nowMs, setTimer: world.timers.after, random: world.random },
    setup: {
      appSecret: 'app secret',
      verifyToken: 'verify',
      accessTokens: ['token'],
      phoneNumbers: [{ id: phoneNumberId, wabaId, displayNumber: '+1 555 078 3881' }],
      timings: { webhookRetryFirstMs: 200, webhookRetryFactor: 1.5, webhookRetryMaxMs: 1_000 },
    },
    model: { latencyMs: { minMs: 100, maxMs: 900 } },
  });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  server = new ServerProcess({
    simulatorUrl: sim.url,
    // A killed process leaves sends of which nobody knows; their evidence comes within seconds here.
    limits: { uncertainWindowMs: 2_000, uncertainCapMs: 8_000 },
    env: environmentOf(sim, url),
  });
  server.port = port;
  await server.start();
  await server.command('tenants.apply', {
    file: { tenants: [{ id: 'acme', phoneNumbers: [{ id: phoneNumberId, wabaId }] }] },
  });
  await sim.control.setup({ webhookUrl: `${url}/webhooks/whatsapp` });
  sim.tasks.set({ duplicate: { rate: 0.2 }, retry: { backoffMinMs: 100, backoffMaxMs: 1_000 } });
});

afterAll(async () => {
  await server.stop();
  await sim.close();
  world.close();
  server.remove();
});

async function sweep(): Promise<void> {
  const token = sim.tasks.tokens.identity({
    issuer: sim.tasks.settings.issuer,
    audience: `${server.url}/internal/wake`,
    ...{ email, nowMs: world.clock.nowMs() },
  });
  const answer = await fetch(`${server.url}/internal/wake`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: '{"sweep":true}',
  }).catch(() => null);
  if (answer?.status === 200) sweeps += 1;
}

const answersOf = (contactId: string) =>
  sim.meta.accepted.filter((accepted) => accepted.contactKey === contactId).length;

test('killed in the middle of its work, it answers everybody once', async () => {
  const contacts: string[] = [];
  for (let i = 0; i < customers; i += 1) {
    const { id } = await sim.control.createContact({ name: `customer ${i}`, phone: `1555000${1_000 + i}` });
    contacts.push(id);
  }
  const speak = async (part: readonly string[]) => {
    for (const contact of part)
      await sim.control.say({ phoneNumberId, contact, type: 'text', text: 'hello' });
  };
  for (let kill = 0; kill < kills; kill += 1) {
    const share = customers / kills;
    await speak(contacts.slice(kill * share, (kill + 1) * share));
    const answered = sim.meta.accepted.length;
    expect(await until(() => sim.tasks.stats().inFlight > 0, patienceMs)).toBe(true);
    await until(() => sim.meta.accepted.length > answered + 1, 2_000);
    await server.kill();
    await server.start();
    await sweep();
  }
  const isDone = async () => {
    await sweep();
    return contacts.every((contact) => answersOf(contact) > 0);
  };
  expect(await until(isDone, patienceMs)).toBe(true);
  expect(await until(() => sim.tasks.stats().inFlight === 0, patienceMs)).toBe(true);
  await sweep();
  expect(contacts.map(answersOf)).toEqual(contacts.map(() => 1));
  expect(sweeps).toBeGreaterThan(0);
  expect(server.kills).toBe(kills);
});
