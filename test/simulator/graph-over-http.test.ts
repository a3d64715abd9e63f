/** Files and Meta's decisions over real HTTP: the bytes of an upload, an address that dies, what the typed client changes. */
import http from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NUMBER_ID, openStage, PHONE, type Stage, TOKEN, WABA_ID } from './sdks/stage.ts';

interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

const BEARER = { authorization: `Bearer ${TOKEN}` };

function ask(
  method: string,
  url: string,
  headers: Record<string, string> = {},
  body?: Buffer | string,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = http.request(url, { method, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const jsonOf = ({ body }: Reply) =>
  JSON.parse(body.toString('utf8')) as { id?: string; url?: string; error?: { code: number } };

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const graph = (path: string) => `${stage.url}/v26.0/${path}`;
const sendTemplate = async (name: string) => {
  const template = { name, language: { code: 'en_US' } };
  const body = { messaging_product: 'whatsapp', to: PHONE, type: 'template', template };
  const headers = { ...BEARER, 'content-type': 'application/json' };
  return jsonOf(await ask('POST', graph(`${NUMBER_ID}/messages`), headers, JSON.stringify(body))).error?.code;
};

describe('a large file over HTTP', () => {
  const part = (head: string, value: Buffer | string) =>
    Buffer.concat([
      Buffer.from(`--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
      Buffer.from(value),
      Buffer.from('\r\n'),
    ]);

  it('comes back byte for byte, only with the token, and only for five minutes', async () => {
    const bytes = Buffer.alloc(21 * 1_024 * 1_024, 'Nightdesk');
    const form = Buffer.concat([
      part('name="messaging_product"', 'whatsapp'),
      part('name="type"', 'application/pdf'),
      part('name="file"; filename="a.pdf"\r\nContent-Type: application/pdf', bytes),
      Buffer.from('--b--\r\n'),
    ]);
    const headers = { ...BEARER, 'content-type': 'multipart/form-data; boundary=b' };
    const uploaded = await ask('POST', graph(`${NUMBER_ID}/media`), headers, form);
    expect(uploaded.status).toBe(200);
    const { url = '' } = jsonOf(await ask('GET', graph(jsonOf(uploaded).id ?? ''), BEARER));
    expect((await ask('GET', url, BEARER)).body.equals(bytes)).toBe(true);
    expect((await ask('GET', url)).status).toBe(401);
    expect((await ask('GET', url, { authorization: 'Bearer somebody-else' })).status).toBe(401);
    stage.advance(5 * 60_000);
    expect((await ask('GET', url, BEARER)).status).toBe(404);
  });
});

describe("Meta's decisions by the typed client", () => {
  it('pause a template, which is told, and let it go again', async () => {
    const { control } = stage.simulator;
    await stage.hear(PHONE);
    const components = [{ type: 'BODY', text: 'Hello.' }];
    const { id } = await control.addTemplate({ wabaId: WABA_ID, name: 'hello', components });
    expect(await sendTemplate('hello')).toBeUndefined();
    expect(await control.changeTemplate(id, { status: 'PAUSED' })).toMatchObject({ id, status: 'PAUSED' });
    const { body } = await stage.nextWebhook();
    expect(JSON.parse(body.toString('utf8')).entry[0].changes[0]).toMatchObject({
      field: 'message_template_status_update',
      value: { event: 'PAUSED', message_template_name: 'hello' },
    });
    expect(await sendTemplate('hello')).toBe(132015);
    await control.changeTemplate(id, { status: 'APPROVED' });
    expect(await sendTemplate('hello')).toBeUndefined();
    expect((await control.templates(WABA_ID)).map(({ name }) => name)).toEqual(['hello_world', 'hello']);
  });

  it('take a token away in the middle of the day, and say what is wrong with a wrong request', async () => {
    const { control } = stage.simulator;
    await control.changeToken({ token: TOKEN, expiresInMs: 60_000 });
    expect((await ask('GET', graph(NUMBER_ID), BEARER)).status).toBe(200);
    stage.advance(60_000);
    const expired = await ask('GET', graph(NUMBER_ID), BEARER);
    expect([expired.status, jsonOf(expired).error?.code]).toEqual([401, 190]);
    await control.changeToken({ token: TOKEN, expiresAtMs: null });
    expect((await ask('GET', graph(NUMBER_ID), BEARER)).status).toBe(200);
    await expect(control.changeTemplate('1', { status: 'PAUSED' })).rejects.toThrow('There is no template');
    await expect(control.addTemplate({ wabaId: 'x', name: 'a', components: [] })).rejects.toThrow('no WABA');
    expect((await ask('GET', `${stage.url}/_sim/templates`)).status).toBe(400);
  });

  it('are asked without a version, too', async () => {
    const asked = await ask('GET', `${stage.url}/debug_token?input_token=${TOKEN}`, BEARER);
    expect(JSON.parse(asked.body.toString('utf8')).data).toMatchObject({ is_valid: true });
    expect((await ask('GET', `${stage.url}/app`, BEARER)).status).toBe(200);
  });
});
