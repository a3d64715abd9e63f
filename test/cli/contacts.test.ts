/**
 * A customer asks what is stored of them, and to be forgotten: beside a running server and alone on the file. What was
 * erased is looked for in the bytes of the database files.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberId, type Server, until, Workshop } from './workshop.ts';

const canary = 'Kanarienvogel';
const phone = '4915550001234';
const neighbour = '4915550005678';

let workshop: Workshop;
let server: Server;

beforeAll(async () => {
  workshop = await Workshop.open();
  server = await workshop.start();
  await workshop.run(['tenants', 'apply', workshop.write('tenants.json', workshop.tenants())]);
});
afterAll(() => workshop.close());

interface Exported {
  format: string;
  contactId: string;
  events: { content: { text?: string } }[];
  sends: { state: string; body: { text?: { body: string } } }[];
  addresses: { value: string }[];
}

const of = (contact: string) => ['--tenant', 'acme', '--contact', contact];
const textsOf = ({ events }: Exported) => events.flatMap(({ content }) => content.text ?? []);
const exported = async (contact: string) => {
  const { code, out, err } = await workshop.run(['contacts', 'export', ...of(contact)]);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as Exported;
};

async function say(contact: string, text: string): Promise<void> {
  await workshop.simulator.control.say({ phoneNumberId: numberId, contact, type: 'text', text });
  await until(async () =>
    (await workshop.simulator.control.accepted()).some((send) => send.text?.includes(`Echo: ${text}`)),
  );
  await until(async () => (await workshop.json<{ underWay: number }>('audit')).underWay === 0);
}

const filesHolding = (word: string) =>
  readdirSync(join(workshop.folder, 'data')).filter((name) => {
    const path = join(workshop.folder, 'data', name);
    return statSync(path).isFile() && readFileSync(path).includes(word);
  });

describe('beside a running server', () => {
  it('exports everything of one contact and nothing of another, as one document', async () => {
    await say(phone, `I ordered a ${canary}`);
    await say(neighbour, 'I ordered a sparrow');
    const found = await exported(`+${phone}`);
    expect(found).toMatchObject({ format: 'nightdesk contact', version: 1, tenantId: 'acme' });
    expect(textsOf(found)).toContain(`I ordered a ${canary}`);
    expect(found.sends.map(({ state, body }) => [state, body.text?.body])).toContainEqual([
      'accepted',
      expect.stringContaining(canary),
    ]);
    expect(found.addresses.map(({ value }) => value)).toContain(phone);
    expect(JSON.stringify(found)).not.toMatch(/sparrow|token-of-acme/);
    const out = join(workshop.folder, 'contact.json');
    const written = await workshop.run(['contacts', 'export', ...of(found.contactId), '--out', out]);
    expect(written.out).toMatch(/^Wrote \d+ rows to /);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const { exportedAtMs: _, ...again } = JSON.parse(readFileSync(out, 'utf8')) as Record<string, unknown>;
    expect(found).toMatchObject(again);
  });

  it('shows what an erasure would take, and takes it only with --yes, to the last byte', async () => {
    const shown = await workshop.run(['contacts', 'erase', ...of(phone)]);
    expect(shown.out).toContain('--yes does it');
    const { contactId, events } = await exported(phone);
    expect(events).not.toEqual([]);
    expect(filesHolding(canary)).not.toEqual([]);
    const erased = await workshop.run(['contacts', 'erase', ...of(phone), '--yes', '--by', 'ann']);
    expect([erased.code, erased.err]).toEqual([0, '']);
    expect(erased.out).toContain(`Erased ${contactId}.`);
    expect(filesHolding(canary)).toEqual([]);
    expect(filesHolding(phone)).toEqual([]);
    expect(filesHolding('sparrow')).not.toEqual([]);
    const twice = await workshop.run(['contacts', 'erase', ...of(contactId), '--yes']);
    expect(twice).toMatchObject({ code: 0, out: `Nothing is left of ${contactId}.\n` });
    const byAddress = await workshop.run(['contacts', 'erase', ...of(phone), '--yes']);
    expect(byAddress).toMatchObject({ code: 0, out: expect.stringContaining('nothing is stored under it') });
    expect((await workshop.run(['contacts', 'export', ...of(phone)])).code).toBe(2);
    expect((await workshop.run(['audit'])).code).toBe(0);
  });

  it('knows who writes again as somebody new', async () => {
    await say(phone, 'hello again');
    expect(textsOf(await exported(phone))).toEqual(['hello again']);
  });

  it('refuses a tenant that is not there', async () => {
    const { code, err } = await workshop.run(['contacts', 'erase', '--tenant', 'nobody', '--contact', phone]);
    expect([code, err]).toEqual([2, expect.stringContaining('There is no tenant nobody')]);
  });
});

describe('alone on the file', () => {
  it('exports and erases as well', async () => {
    await say(neighbour, `I had a ${canary}, too`);
    await server.stop();
    const found = await exported(neighbour);
    expect(textsOf(found)).toHaveLength(2);
    expect(filesHolding(canary)).not.toEqual([]);
    const answer = await workshop.json<{
      isErased: boolean;
      isScrubbed: boolean;
      content: { events: number };
    }>(...(['contacts', 'erase', ...of(found.contactId), '--yes'] as const));
    expect(answer).toMatchObject({
      isErased: true,
      isScrubbed: true,
      content: { events: expect.any(Number) },
    });
    expect(filesHolding(canary)).toEqual([]);
    expect((await exported(found.contactId)).addresses).toEqual([]);
    expect((await workshop.run(['audit'])).code).toBe(0);
  });
});
