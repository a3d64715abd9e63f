/**
 * A backup beside a server under load, a crash, a restore: what was answered, sent or paid for after the backup is not
 * answered, sent or paid for again by itself. And backups that go wrong, which leave nothing under their name.
 */
import { copyFileSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lacksSmallDisk, makeSmallDisk } from '../faults/machine.ts';
import { numberId, type Server, token, until, Workshop, wabaId } from './workshop.ts';

const serverConfig = resolve(import.meta.dirname, '../crash/server-config.ts');

let workshop: Workshop;

beforeEach(async () => {
  workshop = await Workshop.open();
});
afterEach(() => workshop.close());

interface Flag {
  conversationId: string;
  flagId: string;
  reason: string;
}

interface Send {
  sendId: string;
  conversationId: string;
}

const control = () => workshop.simulator.control;
const say = (contact: string, text: string) =>
  control().say({ phoneNumberId: numberId, contact, type: 'text', text });
const textsSent = async () => (await control().accepted()).map((send) => send.text ?? '');
const times = async (text: string) => (await textsSent()).filter((each) => each === text).length;
const sent = (...texts: string[]) =>
  until(async () => {
    const all = await textsSent();
    return texts.every((text) => all.includes(text));
  });
const openFlags = (reason: string) =>
  workshop.json<Flag[]>('flags', 'list').then((flags) => flags.filter((flag) => flag.reason === reason));

/** A number whose dialog answers "ok ..." and buys a picture where a customer says so. */
async function applyTenants(accessToken = token): Promise<void> {
  const phoneNumbers = [{ id: numberId, wabaId, displayNumber: '+1 555 078 3881', dialog: 'scripted' }];
  const tenants = [{ id: 'acme', name: 'Acme', accessToken, phoneNumbers }];
  const file = workshop.write('tenants.json', { tenants });
  expect(await workshop.run(['tenants', 'apply', file])).toMatchObject({ code: 0, err: '' });
}

function backup(to = 'backup.db', env = {}) {
  return workshop.run(['backup', '--out', to], { env });
}

const rests = (folder = workshop.folder) => readdirSync(folder).filter((name) => name.startsWith('backup'));

function restore(): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${workshop.databasePath}${end}`, { force: true });
  copyFileSync(join(workshop.folder, 'backup.db'), workshop.databasePath);
}

/** Customers write, each once and when the one before is acknowledged, until the work is done. */
async function underLoad<T>(work: Promise<T>): Promise<{ done: T; said: string[] }> {
  const said: string[] = [];
  let isDone = false;
  const over = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const text = `load ${said.length}`;
    said.push(text);
    const { index } = await say(`1650777${String(said.length).padStart(4, '0')}`, text);
    await until(async () => typeof (await control().said(index))[0]?.acknowledgedAtMs === 'number');
  }
  return { done: await over, said };
}

describe('a restore', () => {
  let server: Server;

  beforeEach(async () => {
    workshop.write('package.json', { type: 'module' });
    workshop.write(
      'nightdesk.config.ts',
      `import { configOf } from '${serverConfig}';\nconst { dialogs } = configOf({});\nexport default { dialogs };\n`,
    );
    server = await workshop.start();
    await applyTenants();
  });

  it('I7 I9 answers, sends and pays nothing again by itself, and lets a person decide', async () => {
    await say('16505550001', 'before');
    await sent('ok before');
    await control().setImages({ latencyMs: { minMs: 8_000, maxMs: 8_000 } });
    await say('16505550002', 'buy a cat');
    await until(async () => (await control().imageStats()).running === 1);
    // A token that Meta refuses keeps a send queued.
    await applyTenants('wrong');
    await say('16505550003', 'queued');
    await until(async () => (await control().log({ kinds: ['sendRefused'] })).length > 0);

    const { done, said } = await underLoad(backup());
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(done.out).toMatch(/Wrote .*backup\.db: \d+ bytes, schema \d+/);
    await applyTenants();
    await say('16505550001', 'after');
    const all = ['before', 'a cat', 'queued', 'after', ...said];
    await sent('ok buy a cat', 'ok after', 'ok queued', ...said.map((text) => `ok ${text}`));
    const charged = await control().imageCharges();
    expect(charged).toHaveLength(1);
    const sentBefore = (await textsSent()).length;
    expect(sentBefore).toBe(all.length);
    await server.kill();

    restore();
    for (const refused of [await workshop.run(['start']), await workshop.run(['sends', 'list'])]) {
      expect(refused).toMatchObject({ code: 2, out: '' });
      expect(refused.err).toMatch(/is a backup of 20.*nightdesk start --after-restore/);
    }
    const examined = await workshop.run(['doctor']);
    expect(examined.out).toMatch(/fail +store .*is a backup of 20/);
    server = await workshop.start('--after-restore');
    expect(server.said()).toMatch(/The backup is of 20.* Held for a person, and not done by itself/);
    await applyTenants();
    const held = await workshop.json<Send[]>('sends', 'list', '--state', 'held');
    const restored = await openFlags('restored');
    expect(held.length).toBeGreaterThan(0);
    expect(restored.length).toBeGreaterThan(1);
    expect(await openFlags('chargeUncertain')).toHaveLength(1);
    // Somebody new is served; by then whatever would leave by itself has left, and a sweep has been.
    for (let i = 0; i < 5; i++) {
      await say('16505550009', `new ${i}`);
      await sent(`ok new ${i}`);
    }
    expect((await textsSent()).slice(sentBefore)).toEqual([0, 1, 2, 3, 4].map((i) => `ok new ${i}`));
    expect(await control().imageCharges()).toEqual(charged);
    expect((await workshop.run(['audit'])).out).toContain('None is missing.');
    expect((await workshop.run(['ledger'])).code).toBe(0);

    const queued = await sendSaying('ok queued', held);
    await workshop.run(['sends', 'resolve', '--tenant', 'acme', queued.sendId, '--resend']);
    await until(async () => (await times('ok queued')) === 2);
    const [bought] = await openFlags('chargeUncertain');
    await workshop.run(['handback', '--tenant', 'acme', bought?.conversationId ?? '']);
    await say('16505550002', 'thank you');
    await sent('ok thank you');
    expect(await control().imageCharges()).toEqual(charged);

    // Without the flag it goes on: nothing is held a second time.
    expect((await server.stop()).code).toBe(0);
    server = await workshop.start();
    expect(server.said()).not.toContain('Held for a person');
    expect(await openFlags('restored')).toHaveLength(restored.length);
    expect((await workshop.run(['audit'])).out).toContain('None is missing.');
  });

  /** What the people who decide see of it is its conversation. */
  async function sendSaying(text: string, sends: readonly Send[]): Promise<Send> {
    for (const send of sends) {
      const { out } = await workshop.run(['transcript', '--tenant', 'acme', send.conversationId]);
      if (out.includes(text)) return send;
    }
    throw new Error(`No held send says "${text}".`);
  }
});

describe('a backup without a server', () => {
  beforeEach(async () => {
    await applyAlone();
  });

  const applyAlone = async () => {
    const file = workshop.write('tenants.json', workshop.tenants());
    expect((await workshop.run(['tenants', 'apply', file])).code).toBe(0);
  };

  it('is whole, for its owner only, and told of for programs', async () => {
    const made = await workshop.json<{ rows: Record<string, number>; bytes: number; file: string }>(
      'backup',
      '--out',
      'backup.db',
    );
    expect(made.rows).toMatchObject({ tenant: 1, phone_number: 1, event: 0 });
    expect(made.bytes).toBe(statSync(made.file).size);
    expect(statSync(made.file).mode & 0o777).toBe(0o600);
    expect(rests()).toEqual(['backup.db']);
  });

  it('says what is wrong, and exits 2, where its name or the database cannot be used', async () => {
    expect((await backup()).code).toBe(0);
    const wrong = {
      'is a file .*backup.db already': await backup(),
      'cannot be written into': await backup('missing/backup.db'),
      'uses for itself': await backup('data/nightdesk.db-wal'),
      'There is no database': await backup('other', { DATABASE_URL: 'sqlite:./none.db' }),
      'is in memory|inside its server': await backup('other', { DATABASE_URL: 'sqlite::memory:' }),
    };
    for (const [why, ended] of Object.entries(wrong)) {
      expect(ended, why).toMatchObject({ code: 2, out: '' });
      expect(ended.err).toMatch(new RegExp(why));
    }
    expect(rests()).toEqual(['backup.db']);
    expect(
      existsSync(`${workshop.databasePath}-wal`) && statSync(`${workshop.databasePath}-wal`).size,
    ).toBeFalsy();
  });

  it('that is killed has no file of its name', async () => {
    const db = new DatabaseSync(workshop.databasePath);
    db.exec('CREATE TABLE ballast (bytes BLOB)');
    for (let i = 0; i < 40; i++) db.exec('INSERT INTO ballast VALUES (zeroblob(4000000))');
    db.close();
    const { ended, kill } = workshop.begin(['backup', '--out', 'backup.db']);
    await until(() => rests().length > 0);
    kill();
    expect((await ended).code).toBe(null);
    expect(existsSync(join(workshop.folder, 'backup.db'))).toBe(false);
    expect((await backup()).code).toBe(0);
  });

  it.skipIf(lacksSmallDisk() !== null)('on a full disk leaves nothing, and exits 3', async () => {
    const disk = makeSmallDisk();
    try {
      const to = join(disk.folder, 'backup.db');
      const db = new DatabaseSync(workshop.databasePath);
      db.exec('CREATE TABLE ballast (bytes BLOB); INSERT INTO ballast VALUES (zeroblob(9000000))');
      db.close();
      const ended = await backup(to);
      expect(ended).toMatchObject({ code: 3, out: '' });
      expect(ended.err).toMatch(/The disk of .* is full, so there is no backup/);
      expect(readdirSync(dirname(to))).toEqual([]);
    } finally {
      disk.remove();
    }
  });
});
