/**
 * The real server and the real command line, with canaries in every secret of the environment and in all that customers
 * write: through success, through what Graph, models, dialogs and strangers do to it, and through commands that fail.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signBody } from '#pipeline/webhook/signature.ts';
import { until } from '../../cli/workshop.ts';
import { customers, found, secrets } from '../canaries.ts';
import { Installation, numbers, type Running } from './installation.ts';

let installation: Installation;
let server: Running;
let conversationId = '';

const contact = { phone: customers.phone, name: customers.name, username: customers.username };
const sends = async () => (await installation.simulator.control.accepted()).length;

async function say(phoneNumberId: string, text: string): Promise<void> {
  await installation.simulator.control.say({ phoneNumberId, contact, text });
}

const apply = () =>
  installation.run(['tenants', 'apply', installation.write('tenants.json', installation.tenants())]);

const timesSaid = (words: string) => server.said().split(words).length - 1;

/** Says it, and waits for one more message to the customer. */
async function sayAndWait(phoneNumberId: string, text: string): Promise<void> {
  const before = await sends();
  await say(phoneNumberId, text);
  await until(async () => (await sends()) > before);
}

/** Runs a command for a person and for a program; both must say nothing of these. */
async function runClean(words: readonly string[], values: Readonly<Record<string, string>>, env = {}) {
  const ends = [];
  for (const more of [[], ['--json']]) {
    const ended = await installation.run([...words, ...more], env);
    expect([words, found(ended.said, values)]).toEqual([words, []]);
    ends.push(ended);
  }
  return ends;
}

beforeAll(async () => {
  installation = await Installation.open();
  await installation.simulator.control.createContact(contact);
  installation.configure('./leaky-config.ts');
  server = await installation.start();
  const applied = await apply();
  expect(applied).toMatchObject({ code: 0 });
  expect(found(applied.said)).toEqual([]);
});

afterAll(() => installation.close());

describe('the server', () => {
  test('answers', async () => {
    await sayAndWait(numbers.assistant, customers.text);
    // Meta has it before the server has settled it.
    await until(async () => {
      const { out } = await installation.run(['sends', 'list', '--state', 'accepted', '--json']);
      conversationId = (JSON.parse(out) as { conversationId: string }[])[0]?.conversationId ?? '';
      return conversationId !== '';
    });
    expect(conversationId).toMatch(/^cnv_/);
  });

  test('meets a dialog that throws what the customer wrote', async () => {
    await sayAndWait(numbers.leaky, `error: ${customers.text}`);
    await until(() => server.said().includes('An event made its dialog throw'));
  });

  test('meets Graph that refuses, throttles, pauses and is silent', async () => {
    const { control } = installation.simulator;
    for (const [code, says] of [
      [131026, 'A send was refused'],
      [190, 'Sends of this scope are paused'],
      [131000, 'Nobody knows whether a send was accepted'],
    ] as const) {
      await control.setFaults({ graphError: { code, rate: 1, phoneNumberId: numbers.assistant } });
      const before = timesSaid(says);
      await say(numbers.assistant, `${customers.text} ${code}`);
      await until(() => timesSaid(says) > before);
      await control.clearFaults();
      // What was paused goes on when the tenant is applied again.
      expect(await apply()).toMatchObject({ code: 0 });
    }
  });

  test('meets a model that fails in each of its ways', async () => {
    const { control } = installation.simulator;
    const failed = 'Activity reply failed.';
    for (const fault of ['fail', 'rateLimit', 'overload', 'loseAnswer', 'cut', 'apiKeys']) {
      await control.setModel({ [fault]: fault === 'apiKeys' ? ['another'] : { rate: 1 } });
      const before = timesSaid(failed);
      await say(numbers.assistant, `${customers.text} ${fault}`);
      await until(() => timesSaid(failed) > before);
      await control.clearModel();
    }
  });

  test('meets strangers', async () => {
    const url = `${server.url}/webhooks/whatsapp`;
    const body = `{"entry": ${customers.text} ${customers.phone}`;
    const signed = { 'x-hub-signature-256': signBody(secrets.appSecret, Buffer.from(body)) };
    const answers = [
      await fetch(url, { method: 'POST', body }),
      await fetch(url, { method: 'POST', body, headers: signed }),
      await fetch(`${url}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=${secrets.verifyToken}x`),
      await fetch(`${url}/acme/x?hub.verify_token=${secrets.tenantVerifyToken}`),
      await fetch(`${server.url}/${secrets.accessToken}`),
      await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${secrets.metricsToken}x` } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 200, 403, 404, 404, 403]);
    for (const answer of answers) expect(found(await answer.text())).toEqual([]);
    await say(numbers.unknown, customers.text);
  });

  test('tells of itself by numbers alone', async () => {
    const headers = { authorization: `Bearer ${secrets.metricsToken}` };
    const metrics = await (await fetch(`${server.url}/metrics`, { headers })).text();
    expect(metrics).toContain('nightdesk_events_stored_total');
    expect(metrics).toContain('nightdesk_dead_letters_open');
    expect(found(metrics)).toEqual([]);
    for (const path of ['/healthz', '/readyz'])
      expect(found(await (await fetch(server.url + path)).text())).toEqual([]);
  });
});

describe('the command line', () => {
  test.each([['tenants', 'list'], ['quarantine', 'list'], ['quarantine', 'redrive'], ['audit'], ['doctor']])(
    '%s %s shows neither secrets nor words',
    async (...words) => {
      await runClean(words, { ...secrets, ...customers });
    },
  );

  test.each([
    ['flags', 'list'],
    ['deadletters', 'list'],
    ['sends', 'list'],
    ['sends', 'list', '--state', 'accepted,uncertain,held,refused,queued'],
  ])('%s %s shows the operator a conversation, and no secret', async (...words) => {
    const ends = await runClean(words, secrets);
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
  });

  test('shows words where the operator asks for the transcript', async () => {
    const [ended] = await runClean(['transcript', '--tenant', 'acme', conversationId], secrets);
    expect(ended?.said).toContain('quokka zeppelin');
  });

  test('takes an operator’s words and repeats none of them', async () => {
    const of = ['--tenant', 'acme', conversationId];
    for (const words of [
      ['take', ...of, '--by', customers.by],
      ['reply', ...of, customers.operator, '--by', customers.by],
      ['handback', ...of, '--by', customers.by],
    ])
      await runClean(words, { ...secrets, ...customers });
  });

  test.each([
    ['take', '--tenant', 'acme', 'cnv_none'],
    ['reply', '--tenant', 'acme', 'cnv_none', customers.operator],
    ['sends', 'resolve', '--tenant', 'acme', 'snd_none', '--resend'],
    ['deadletters', 'redrive', '--tenant', 'acme', 'dlt_none'],
    ['tenants', 'apply', 'nowhere.json'],
  ])('%s %s fails without words', async (...words) => {
    const ends = await runClean(words, { ...secrets, ...customers });
    expect(ends.map(({ code }) => code)).toEqual([2, 2]);
  });

  test.each([
    ['a token that is a number', { accessToken: 5 }],
    ['a key that nobody knows', { acessToken: secrets.accessToken }],
    ['a dialog that is not there', { phoneNumbers: [{ id: '1', wabaId: '2', dialog: 'none' }] }],
  ])('tenants apply fails by %s without a secret', async (_what, change) => {
    const file = installation.write('bad.json', installation.tenants(change));
    const ends = await runClean(['tenants', 'apply', file], secrets);
    expect(ends.map(({ code }) => code)).toEqual([2, 2]);
  });

  test('tenants apply fails by a broken file without a line of it', async () => {
    const text = JSON.stringify(installation.tenants(), null, 1).replace('"appSecret":', '"appSecret"');
    const file = installation.write('broken.json', text);
    const [ended] = await runClean(['tenants', 'apply', file], secrets);
    expect(ended?.said).toMatch(/broken\.json is not JSON at line \d+/);
  });
});

test('all that the server said, at every level, until it stopped: ids and places, no secret and no word', async () => {
  const { code, said } = await server.stop();
  expect(code).toBe(0);
  for (const message of ['A turn was committed.', 'Activity reply failed.', 'dialog throw', 'Stopped.'])
    expect(said).toContain(message);
  expect(said).toContain(conversationId);
  expect(found(said)).toEqual([]);
});
