/** `REDIS_URL`: what it can say, what is refused, and that no refusal repeats a password. */
import { expect, test } from 'vitest';
import { BadConfig, readConfig } from '#runtime/config.ts';
import { readRedisUrl } from '#runtime/redis-url.ts';

const plain = { isCluster: false, tls: false, database: 0, prefix: '{nightdesk}' };

test('names a server, its user, its database and the prefix of our keys', () => {
  expect(readRedisUrl('redis://127.0.0.1')).toEqual({
    ...plain,
    nodes: [{ host: '127.0.0.1', port: 6_379 }],
  });
  expect(readRedisUrl('rediss://ann:p%40ss%2Cword@redis.example:6380/3?prefix={two}')).toEqual({
    ...plain,
    tls: true,
    ...{ username: 'ann', password: 'p@ss,word', database: 3, prefix: '{two}' },
    nodes: [{ host: 'redis.example', port: 6_380 }],
  });
  expect(readRedisUrl('redis://:secret@[::1]:7000')).toEqual({
    ...{ ...plain, password: 'secret' },
    nodes: [{ host: '::1', port: 7_000 }],
  });
});

test('names a cluster by several of its nodes, or by one that knows the others', () => {
  expect(readRedisUrl('redis://a:1,redis://b:2')).toEqual({
    ...{ ...plain, isCluster: true },
    nodes: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
  });
  expect(readRedisUrl('redis://a:1?cluster=true')).toMatchObject({ isCluster: true });
});

test.each([
  ['', 'no address'],
  ['http://a:secret@b', 'no address'],
  ['redis://a:secret@', 'no address'],
  ['redis://u:secret@a/none', 'no number of a database'],
  ['redis://u:secret@a?tls=true', 'no setting "tls"'],
  ['redis://u:secret@a?cluster=yes', 'neither true nor false'],
  ['redis://u:secret@a?prefix=a:b', '"prefix"'],
  ['redis://u:secret@a?cluster=true&prefix=nightdesk', 'braces'],
  ['redis://u:secret@a/1,redis://u:secret@b/1', 'no database but 0'],
  ['redis://u:secret@a,redis://u:other@b', 'more than their addresses'],
])('%s is refused', (value, reason) => {
  expect(() => readRedisUrl(value)).toThrow(reason);
  expect(() => readRedisUrl(value)).toThrow(/^(?!.*secret).*Set it to redis:/);
});

test('WAKE=bullmq without it is refused, and so is a driver that there is not', async () => {
  const env = { DATABASE_URL: 'sqlite::memory:', WAKE: 'bullmq' };
  await expect(readConfig({ env, folder: '/' })).rejects.toThrow(BadConfig);
  await expect(readConfig({ env, folder: '/' })).rejects.toThrow('REDIS_URL is not set. Set it to the Redis');
  await expect(readConfig({ env: { ...env, WAKE: 'rabbit' }, folder: '/' })).rejects.toThrow(
    'bullmq (with REDIS_URL)',
  );
});
