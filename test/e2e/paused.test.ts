/**
 * I4 I5 I8: a process that is paused beyond its lease (SIGSTOP) and goes on (SIGCONT) changes nothing by what it had under way: another has taken
 * it over and answered, and the customer hears one answer. On a Postgres of its own.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { Fleet } from '../proof/machines/fleet.ts';
import { canOwnPostgres, OwnPostgres } from '../proof/machines/own-postgres.ts';
import { until } from '../proof/server-process.ts';
import { setTimer } from '../proof/town.ts';

const number = { id: '106540352242922', wabaId: '102290129340398', displayNumber: '+1 555 078 3881' };
const modelMs = 2_000;
let postgres: OwnPostgres;
let simulator: Simulator;
let fleet: Fleet;

describe.skipIf(!canOwnPostgres())('on a Postgres of its own', () => {
  beforeAll(async () => {
    postgres = await OwnPostgres.start();
    simulator = await startSimulator({
      world: {
        nowMs: () => Date.now(),
        setTimer,
        random: () => 0.5,
      },
      setup: {
        appSecret: 'app secret',
        verifyToken: 'verify',
        accessTokens: ['token'],
        phoneNumbers: [{ ...number, throughputPerSecond: 80 }],
      },
      model: { latencyMs: { minMs: modelMs, maxMs: modelMs } },
    });
    fleet = new Fleet({
      ...{ simulatorUrl: simulator.url, postgresUrl: postgres.url, webhooks: 1, workers: 2 },
      env: { WAKE: 'local' },
      config: 'export default {};\n',
    });
    await fleet.start();
    await simulator.control.setup({ webhookUrl: `${fleet.url}/webhooks/whatsapp` });
    const settings = { replyTimeoutMs: 60_000, receipts: 'none' };
    await fleet.applyTenants({ tenants: [{ id: 'acme', phoneNumbers: [{ ...number, settings }] }] });
  });

  afterAll(async () => {
    for (const each of fleet.workers) each.signal('SIGCONT');
    await fleet.stop();
    await simulator.close();
    await postgres.remove();
    fleet.remove();
  });

  test('a process that goes on late changes nothing', { timeout: 180_000 }, async () => {
    const [first, second] = fleet.workers;
    if (first === undefined || second === undefined) throw new Error('A fleet of two workers has two.');
    const say = (text: string) =>
      simulator.control.say({ phoneNumberId: number.id, contact: contact.id, type: 'text', text });
    const contact = await simulator.control.createContact({ phone: '15550001111', name: 'Noor' });
    const { accepted } = simulator.meta;
    const calls = async () => (await simulator.control.modelCalls(100)).length;

    await second.stop();
    await say('hello <m1-1>');
    expect(await until(async () => (await calls()) === 1, 30_000)).toBe(true);
    first.signal('SIGSTOP');
    await second.start();
    expect(await until(() => accepted.length === 1, 60_000)).toBe(true);
    expect(await calls()).toBe(2);

    first.signal('SIGCONT');
    const metrics = () => fetch(`${first.url}/metrics`).then((answer) => answer.text());
    const isLate = async () =>
      /nightdesk_activities_total\{[^}]*result="late"[^}]*\} 1/.test(await metrics());
    expect(await until(isLate, 60_000)).toBe(true);

    await say('and now <m1-2>');
    expect(await until(() => accepted.length === 2, 60_000)).toBe(true);
    expect(accepted.map(({ text }) => text?.match(/<m1-\d>/g))).toEqual([['<m1-1>'], ['<m1-2>']]);
  });
});
