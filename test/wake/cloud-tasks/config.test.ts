/** The configuration of WAKE=cloud-tasks: what is missing is named with how to mend it, what can be known is not asked for. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '#runtime/config.ts';
import { email, queue } from './stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'nightdesk-'));
const enough = {
  WAKE: 'cloud-tasks',
  CLOUD_TASKS_QUEUE: queue,
  CLOUD_TASKS_TARGET_URL: 'https://nightdesk.example',
  CLOUD_TASKS_SERVICE_ACCOUNT: email,
};
const read = (env: Record<string, string>, roles?: string[]) =>
  readConfig({ env: { DATABASE_URL: 'sqlite::memory:', ...env }, folder, ...(roles && { roles }) });

test('three keys are enough on Google’s own machines', async () => {
  expect((await read(enough)).wake).toEqual({
    driver: 'cloud-tasks',
    options: {
      ...{ queue, email },
      targetUrl: 'https://nightdesk.example/internal/wake',
      audience: 'https://nightdesk.example/internal/wake',
      apiUrl: 'https://cloudtasks.googleapis.com',
      issuers: ['https://accounts.google.com', 'accounts.google.com'],
      keysUrl: 'https://www.googleapis.com/oauth2/v3/certs',
      credentials: { from: 'metadata', host: 'metadata.google.internal' },
    },
  });
});

test('the whole address of the door, an audience and an issuer of its own are kept as they are', async () => {
  const { wake } = await read({
    ...enough,
    CLOUD_TASKS_TARGET_URL: 'https://gate.example/night/internal/wake',
    CLOUD_TASKS_AUDIENCE: 'night',
    CLOUD_TASKS_ISSUER: 'https://issuer.example',
  });
  expect(wake).toMatchObject({
    options: {
      targetUrl: 'https://gate.example/night/internal/wake',
      audience: 'night',
      issuers: ['https://issuer.example'],
    },
  });
});

test('each key that is missing is named, with how to mend it', async () => {
  const missing = read({ WAKE: 'cloud-tasks' });
  await expect(missing).rejects.toThrow(/CLOUD_TASKS_QUEUE is not set. Set it to .*queues\/QUEUE/);
  await expect(missing).rejects.toThrow(/CLOUD_TASKS_TARGET_URL is not set. Set it to the public address/);
  await expect(missing).rejects.toThrow(/CLOUD_TASKS_SERVICE_ACCOUNT is not set. Set it to the e-mail/);
});

test.each([
  ['CLOUD_TASKS_QUEUE', 'wakes'],
  ['CLOUD_TASKS_TARGET_URL', 'nightdesk.example'],
  ['CLOUD_TASKS_SERVICE_ACCOUNT', 'waker'],
  ['CLOUD_TASKS_JWKS_URL', 'certs'],
  ['GCE_METADATA_HOST', 'http://host/'],
])('%s=%s is refused by its name', async (key, value) => {
  await expect(read({ ...enough, [key]: value })).rejects.toThrow(`${key} cannot be used`);
});

test('a process works on whole requests, or on none', async () => {
  await expect(read(enough, ['webhook', 'turn'])).rejects.toThrow(/the role turn alone/);
  expect((await read(enough, ['webhook'])).roles).toEqual(['webhook']);
  expect((await read(enough, ['turn', 'activity', 'outbox'])).roles).toHaveLength(3);
});

test('credentials are the key of a service account, or none', async () => {
  const path = join(folder, 'key.json');
  const withFile = (content: string) => {
    writeFileSync(path, content);
    return read({ ...enough, GOOGLE_APPLICATION_CREDENTIALS: path });
  };
  const key = { type: 'service_account', client_email: email, private_key: 'PEM', private_key_id: 'k' };
  expect((await withFile(JSON.stringify(key))).wake).toMatchObject({
    options: {
      credentials: { from: 'key', key: { email, tokenUrl: 'https://oauth2.googleapis.com/token' } },
    },
  });
  await expect(withFile('{"type":"authorized_user"}')).rejects.toThrow(
    /type "authorized_user".*only the key/,
  );
  await expect(withFile('{"type":"service_account"}')).rejects.toThrow(/"client_email" or "private_key"/);
  await expect(withFile('secret words')).rejects.not.toThrow(/secret words/);
  await expect(
    read({ ...enough, GOOGLE_APPLICATION_CREDENTIALS: join(folder, 'none.json') }),
  ).rejects.toThrow(/cannot be read/);
});
