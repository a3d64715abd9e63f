/**
 * Commands where no server runs: they open the database themselves, and whatever is wrong ends in one clear line.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '#store/sqlite/database/database.ts';
import { numberId, takenPort, Workshop } from './workshop.ts';

let workshop: Workshop;

beforeEach(async () => {
  workshop = await Workshop.open();
});
afterEach(() => workshop.close());

const apply = (change: { accessToken?: string } = {}) =>
  workshop.run(['tenants', 'apply', workshop.write('tenants.json', workshop.tenants(change))]);

interface Doctors {
  ok: boolean;
  checks: { check: string; status: string; says: string; todo?: string }[];
}

async function examine(): Promise<{ code: number | null; checks: Doctors['checks'] }> {
  const { code, out } = await workshop.run(['doctor', '--json']);
  return { code, checks: (JSON.parse(out) as Doctors).checks };
}

/** Bad use: exit code 2, nothing on standard output, one line that says what is wrong. */
async function expectRefusal(
  words: string[],
  says: string | RegExp,
  env: Record<string, string> = {},
): Promise<void> {
  const { code, out, err } = await workshop.run(words, { env });
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(/^nightdesk: [^\n]+\n$/);
  expect(err).toMatch(says);
}

describe('a database without a server', () => {
  it('is made by tenants apply and read by the others', async () => {
    expect(await apply()).toMatchObject({ code: 0, err: '' });
    expect(await apply()).toMatchObject({ code: 0, err: '' });
    expect(await workshop.json('tenants', 'list')).toMatchObject([
      { tenantId: 'acme', hasAccessToken: true, phoneNumbers: [{ phoneNumberId: numberId }] },
    ]);
    for (const [words, says] of [
      [['flags', 'list'], 'No conversation is flagged.'],
      [['deadletters', 'list'], 'There is no dead letter.'],
      [['sends', 'list'], 'There is no such send.'],
      [['quarantine', 'list'], 'Quarantine is empty.'],
      [['quarantine', 'redrive'], '0 items found a mailbox; 0 left in quarantine.'],
    ] as const) {
      expect(await workshop.run(words)).toEqual({ code: 0, out: `${says}\n`, err: '' });
    }
    const table = await workshop.run(['tenants', 'list'], { env: { FORCE_COLOR: '1' } });
    expect(table.out).toMatch(/^TENANT +NAME/);
  });

  it('is not made by a look in the wrong folder', async () => {
    await expectRefusal(['flags', 'list'], 'There is no database at');
    expect(existsSync(workshop.databasePath)).toBe(false);
    expect((await workshop.run(['doctor', '--json'])).out).toContain('There is no database at');
    expect(existsSync(workshop.databasePath)).toBe(false);
  });

  it('is left alone while another process holds it without answering', async () => {
    await apply();
    const held = openDatabase(workshop.databasePath);
    const { code, out, err } = await workshop.run([
      'tenants',
      'apply',
      workshop.write('new.json', workshop.tenants({ name: 'New' })),
    ]);
    held.close();
    expect([code, out]).toEqual([3, '']);
    expect(err).toMatch(/^nightdesk: A process owns [^\n]+nothing was changed[^\n]+\n$/);
    expect(await workshop.json('tenants', 'list')).toMatchObject([{ name: 'Acme' }]);
  });

  it('is migrated by hand', async () => {
    expect((await workshop.run(['migrate'])).out).toContain('Made ');
    const { from, to } = await workshop.json<{ from: number; to: number }>('migrate');
    expect(from).toBe(to);
  });

  it('audits: exits 1 and names the event that is missing', async () => {
    await apply();
    const db = new DatabaseSync(workshop.databasePath);
    db.exec(`INSERT INTO event (tenant_id, conversation_id, position, kind, class, sent_at_ms, received_at_ms, content, end)
      VALUES ('acme', 'cnv_lost', 1, 'text', 'answer', unixepoch() * 1000, unixepoch() * 1000, '{}', 'noAnswerNeeded')`);
    db.close();
    const { code, out } = await workshop.run(['audit', '--days', '2']);
    expect(code).toBe(1);
    expect(out).toContain('1 missing:');
    expect(out).toMatch(/acme +cnv_lost +1 +text/);
    expect((await workshop.run(['audit', '--json'])).code).toBe(1);
  });
});

describe('bad use', () => {
  it('of words and options', async () => {
    await expectRefusal(['flag', 'list'], /unknown command 'flag'.*Did you mean flags/);
    await expectRefusal(['take', '--tenant', 'acme'], "missing required argument 'conversation'");
    await expectRefusal(['take', 'cnv_1'], "required option '--tenant <id>'");
    await expectRefusal(['start', '--roles', 'cook'], 'There is no role "cook"');
    await expectRefusal(['dev', '--phone-port', 'x'], 'A port is a number');
    await expectRefusal(['flags', 'resolve', '--tenant', 'acme'], 'either a flag or a conversation');
    await expectRefusal(['sends', 'resolve', '--tenant', 'acme', 'snd_1'], 'Name one verdict');
    await expectRefusal(['sends', 'list', '--state', 'lost'], 'There is no state "lost"');
    await expectRefusal(['audit', '--days', 'many'], '--days must be a number');
    const group = await workshop.run(['flags']);
    expect([group.code, group.out]).toEqual([2, '']);
    expect(group.err).toContain('resolve');
  });

  it('of configuration', async () => {
    await expectRefusal(['tenants', 'list'], 'DATABASE_URL', { DATABASE_URL: 'mysql://x' });
    await expectRefusal(['tenants', 'list'], 'no command can reach', { DATABASE_URL: 'sqlite::memory:' });
    await expectRefusal(['start'], 'PORT cannot be used', { PORT: '99999' });
  });

  it('of a tenants file, which is never quoted', async () => {
    const broken = workshop.write(
      'broken.json',
      '{ "tenants": [\n  { "accessToken": "EAA-secret" "id": 1 }\n] }',
    );
    await expectRefusal(['tenants', 'apply', broken], /broken\.json is not JSON at line 2, column 33/);
    expect((await workshop.run(['tenants', 'apply', broken])).err).not.toContain('EAA-secret');
    await expectRefusal(
      ['tenants', 'apply', workshop.write('short.json', '{ "tenants": [')],
      'line 1, column 15: it ends too early',
    );
    await expectRefusal(
      ['tenants', 'apply', 'nowhere.json'],
      'nowhere.json cannot be read: there is no such file',
    );
    await expectRefusal(['tenants', 'apply', '.'], 'it is a folder');
    expect(existsSync(workshop.databasePath)).toBe(false);
    const misspelt = {
      tenants: [{ id: 'acme', acessToken: 'EAA-secret', phoneNumbers: [{ id: '+1 555' }] }],
    };
    await expectRefusal(
      ['tenants', 'apply', workshop.write('misspelt.json', misspelt)],
      /tenants\.0: .*acessToken.*tenants\.0\.phoneNumbers\.0\.id: must be the number's id|tenants\.0\.phoneNumbers\.0\.id: must be the number's id.*acessToken/,
    );
  });

  it('of ids that are not there', async () => {
    await apply();
    await expectRefusal(['take', '--tenant', 'acme', 'cnv_none'], 'cnv_none');
    await expectRefusal(
      ['deadletters', 'redrive', '--tenant', 'acme', 'dlt_none'],
      'There is no dead letter dlt_none',
    );
    await expectRefusal(
      ['sends', 'resolve', '--tenant', 'acme', 'snd_none', '--resend'],
      'There is no send snd_none',
    );
  });

  it('of a port that is taken', async () => {
    const taken = await takenPort();
    await expectRefusal(['start'], `port ${taken.port} on 127.0.0.1 is taken`, { PORT: String(taken.port) });
    await taken.release();
  });
});

describe('doctor', () => {
  it('finds nothing to fail where all is well', async () => {
    await apply();
    const { code, checks } = await examine();
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(code).toBe(0);
    const words = await workshop.run(['doctor']);
    expect(words.out).toMatch(/^ok +config/m);
    expect(words.out).toMatch(/\d+ ok, \d+ to look at, 0 failed\.\n$/);
  });

  it('fails on a token that Graph refuses, and says what to do', async () => {
    await apply({ accessToken: 'wrong' });
    const { code, checks } = await examine();
    expect(code).toBe(1);
    const number = checks.find(({ check }) => check === `number ${numberId} (acme)`);
    expect(number).toMatchObject({ status: 'fail', says: expect.stringContaining('error 190') });
    expect(number?.todo).toContain('system user token');
  });

  it('fails where no app gets the webhooks', async () => {
    await apply();
    await workshop.simulator.control.setup({ wabas: [{ id: '102290129340398', subscribed: false }] });
    const { code, checks } = await examine();
    expect(code).toBe(1);
    expect(checks.find(({ check }) => check.startsWith('waba'))).toMatchObject({
      status: 'fail',
      says: expect.stringContaining('No app is subscribed'),
    });
  });

  it('fails on a file that is no database, and on Graph out of reach', async () => {
    await apply();
    workshop.write('data/nightdesk.db', 'this is no database, however long it may be '.repeat(20));
    const { code, out } = await workshop.run(['doctor', '--json'], {
      env: { GRAPH_API_URL: 'http://127.0.0.1:9', WHATSAPP_APP_SECRET: '' },
    });
    expect(code).toBe(1);
    const failed = (JSON.parse(out) as Doctors).checks
      .filter(({ status }) => status === 'fail')
      .map(({ check }) => check);
    expect(failed).toEqual(['store', 'app secret', 'graph']);
  });

  it('fails on configuration that cannot be used', async () => {
    const { code, out } = await workshop.run(['doctor'], { env: { WAKE: 'sms' } });
    expect(code).toBe(1);
    expect(out).toMatch(/^fail {2}config {2}WAKE cannot be used/);
  });
});
