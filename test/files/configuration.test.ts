import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '#runtime/config.ts';

const folder = '/srv/bot';
const key = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
const filesOf = async (env: Record<string, string>) => (await readConfig({ env, folder })).files;

test('files lie beside the database, and in memory where that is', async () => {
  expect(await filesOf({})).toEqual({ driver: 'folder', path: join(folder, 'data/files') });
  expect(await filesOf({ DATABASE_URL: 'sqlite:/var/lib/bot/bot.db' })).toEqual({
    driver: 'folder',
    path: '/var/lib/bot/files',
  });
  expect(await filesOf({ DATABASE_URL: 'sqlite::memory:' })).toEqual({ driver: 'memory' });
});

test('FILES_URL names a folder, memory or a bucket', async () => {
  expect(await filesOf({ FILES_URL: 'folder:./kept' })).toEqual({
    driver: 'folder',
    path: join(folder, 'kept'),
  });
  expect(await filesOf({ FILES_URL: 'memory:' })).toEqual({ driver: 'memory' });
  const bucket = { driver: 's3', bucket: 'shop', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
  expect(await filesOf({ FILES_URL: 's3://shop', ...key })).toEqual({
    ...bucket,
    prefix: '',
    region: 'us-east-1',
    endpoint: 'https://s3.us-east-1.amazonaws.com',
    temporaryToken: undefined,
  });
  const elsewhere = { AWS_REGION: 'auto', AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000' };
  expect(await filesOf({ FILES_URL: 's3://shop/night/desk/', ...key, ...elsewhere })).toMatchObject({
    prefix: 'night/desk',
    region: 'auto',
    endpoint: 'http://127.0.0.1:9000',
  });
});

test.each(['folder:', 's3://', 's3://shop//x', 'gs://shop', '/srv/files'])(
  '%s cannot be used',
  async (value) => {
    await expect(filesOf({ FILES_URL: value, ...key })).rejects.toThrow('FILES_URL cannot be used');
  },
);

test('a bucket without a key is refused before anything starts', async () => {
  await expect(filesOf({ FILES_URL: 's3://shop' })).rejects.toThrow('AWS_ACCESS_KEY_ID');
});
