/**
 * Files and sockets of a server on a machine with other users: what it makes is not for them, and what they put in its way
 * is not talked to.
 */
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { socketPathOf } from '#surface/cli/command-socket.ts';
import { found, secrets } from '../canaries.ts';
import { Installation } from './installation.ts';

const installations: Installation[] = [];
const servers: Server[] = [];
const paths: string[] = [];
const umask = process.umask();

afterEach(async () => {
  process.umask(umask);
  for (const each of installations.splice(0)) await each.close();
  for (const each of servers.splice(0)) await new Promise((done) => each.close(done));
  for (const each of paths.splice(0)) rmSync(each, { force: true });
});

async function open(below = ''): Promise<Installation> {
  const installation = await Installation.open(below);
  mkdirSync(installation.folder, { recursive: true });
  installations.push(installation);
  return installation;
}

const othersMay = (path: string) => (lstatSync(path).mode & 0o007).toString(8);

/** Every file and folder below. */
function below(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
}

test('what is made holds nothing for other users, whatever the umask', async () => {
  process.umask(0);
  const installation = await open();
  const server = await installation.start({ NIGHTDESK_SECRET_KEY: '' });
  const file = installation.write('tenants.json', installation.tenants({ phoneNumbers: [] }));
  expect(await installation.run(['tenants', 'apply', file])).toMatchObject({ code: 0 });
  const data = join(installation.folder, 'data');
  const made = [data, ...below(data)];
  expect(made.map((path) => path.slice(data.length + 1))).toEqual(
    expect.arrayContaining([
      'nightdesk.db',
      'nightdesk.db-wal',
      'nightdesk.db.lock',
      'nightdesk.db.sock',
      'secret.key',
    ]),
  );
  expect(made.map((path) => [path, othersMay(path)])).toEqual(made.map((path) => [path, '0']));
  expect(statSync(join(data, 'secret.key')).mode & 0o777).toBe(0o600);
  expect(lstatSync(join(data, 'nightdesk.db.sock')).mode & 0o777).toBe(0o600);
  expect((await server.stop()).code).toBe(0);
});

test('secrets lie sealed in the database', async () => {
  const installation = await open();
  const file = installation.write('tenants.json', installation.tenants({ phoneNumbers: [] }));
  expect(await installation.run(['tenants', 'apply', file])).toMatchObject({ code: 0 });
  rmSync(file);
  for (const path of below(join(installation.folder, 'data')))
    expect([path, found(readFileSync(path, 'latin1'), secrets)]).toEqual([path, []]);
});

/** Deep enough that the socket lies in the temporary folder. */
const deep = Array.from({ length: 6 }, (_, i) => `a-folder-of-a-long-name-${i}`).join('/');

/** A listener at the path of the socket, as another user of the machine could make one. */
async function occupy(installation: Installation, uid: number): Promise<string[]> {
  const path = socketPathOf(join(installation.folder, 'data', 'nightdesk.db'));
  expect(path).toMatch(/nightdesk-[0-9a-f]{16}\.sock$/);
  const heard: string[] = [];
  const server = createServer((incoming, outgoing) => {
    incoming.on('data', (chunk) => heard.push(String(chunk)));
    incoming.on('end', () => outgoing.end('{"result":{"applied":[],"phoneNumbers":0,"reappended":0}}'));
  });
  await new Promise<void>((done) => server.listen(path, done));
  servers.push(server);
  paths.push(path);
  if (uid !== process.getuid?.()) chownSync(path, uid, uid);
  return heard;
}

// Only root can make a file of another user.
test.skipIf(process.getuid?.() !== 0)(
  'a command sends no token to a socket that another user made in the temporary folder',
  async () => {
    const installation = await open(deep);
    mkdirSync(join(installation.folder, 'data'));
    const heard = await occupy(installation, 65_534);
    const file = installation.write('tenants.json', installation.tenants({ phoneNumbers: [] }));
    const applied = await installation.run(['tenants', 'apply', file]);
    expect(applied).toMatchObject({ code: 2, said: expect.stringContaining('belongs to another user') });
    const started = await installation.run(['start'], { PORT: '0' });
    expect(started).toMatchObject({ code: 2, said: expect.stringContaining('belongs to another user') });
    expect(heard).toEqual([]);
  },
);

test('a command reaches its own server by a socket in the temporary folder', async () => {
  const installation = await open(deep);
  const server = await installation.start();
  const path = socketPathOf(join(installation.folder, 'data', 'nightdesk.db'));
  expect([existsSync(path), othersMay(path)]).toEqual([true, '0']);
  const file = installation.write('tenants.json', installation.tenants({ phoneNumbers: [] }));
  expect(await installation.run(['tenants', 'apply', file])).toMatchObject({ code: 0 });
  const listed = await installation.run(['tenants', 'list']);
  expect(listed).toMatchObject({ code: 0, out: expect.stringContaining('acme') });
  expect((await server.stop()).code).toBe(0);
});
