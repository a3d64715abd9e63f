/** Files in a bucket, over real HTTP, with a server that checks each signature by arithmetic of its own. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileFault } from '#core/ports/files.ts';
import { type BucketOptions, openBucket } from '#files/s3/index.ts';
import { createHttpClient, type HttpClient } from '#runtime/world/http-client.ts';
import { fakeWorld } from '#testing/fake-world.ts';
import { fileConformance } from '#testing/file-conformance.ts';
import { type BucketServer, startBucket } from './bucket-server.ts';

const bytes = Buffer.from('a picture');
const fileId = createHash('sha256').update(bytes).digest('hex');
const file = { tenantId: 'acme', fileId, bytes, mimeType: 'image/png' };
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

const world = fakeWorld(1);
let http: HttpClient;
let server: BucketServer;
let options: BucketOptions;

beforeEach(async () => {
  http = createHttpClient();
  const access = { region: 'eu-central-1', accessKeyId: 'AKIDEXAMPLE', secretAccessKey };
  server = await startBucket({ bucket: 'files', ...access, nowMs: world.nowMs });
  options = { endpoint: server.url, bucket: 'files', prefix: '', ...access, http, clock: world.clock };
});

afterEach(async () => {
  http.close();
  await server.close();
});

const open = async () => ({ driver: await openBucket(options), close: async () => server.objects.clear() });

async function faultOf(promise: Promise<unknown>): Promise<FileFault> {
  const fault = await promise.catch((error: unknown) => error);
  if (!(fault instanceof FileFault)) throw new Error(`Expected a FileFault, got ${String(fault)}.`);
  expect(fault.message).not.toContain(secretAccessKey);
  return fault;
}

describe('files in a bucket', () => {
  for (const { name, run } of fileConformance(open))
    test(name, async () => {
      await run();
      expect(server.refused).toEqual([]);
    });
});

test('a file lies under the prefix, with its type', async () => {
  const driver = await openBucket({ ...options, prefix: 'night/desk', endpoint: `${server.url}/` });
  await driver.put(file);
  expect([...server.objects.keys()]).toEqual([
    expect.stringMatching(new RegExp(`^/files/night/desk/[0-9a-f]{32}/${fileId}$`)),
  ]);
  expect([...server.objects.values()][0]).toEqual({ bytes, type: 'image/png' });
});

test.each([
  ['another secret', { secretAccessKey: 'other' }, 'SignatureDoesNotMatch'],
  ['another key', { accessKeyId: 'AKIDOTHER' }, 'InvalidAccessKeyId'],
  ['another region', { region: 'us-east-1' }, 'AuthorizationHeaderMalformed'],
  ['another time', { clock: { nowMs: () => world.nowMs() - 3_600_000 } }, 'RequestTimeTooSkewed'],
])('%s is refused, and said with the code of the bucket', async (_, over, code) => {
  const driver = await openBucket({ ...options, ...over });
  const fault = await faultOf(driver.put(file));
  expect(fault).toMatchObject({ code: 'unavailable', retryable: false });
  expect(fault.message).toContain(`403 (${code})`);
  expect(server.objects.size).toBe(0);
});

test('bytes that are not those of their name are refused by the bucket', async () => {
  const driver = await openBucket(options);
  const fault = await faultOf(driver.put({ ...file, bytes: Buffer.from('a pictore') }));
  expect(fault.message).toContain('XAmzContentSHA256Mismatch');
});

test('a bucket that is busy or away may be asked again', async () => {
  const driver = await openBucket(options);
  server.fail(503, 500, 429);
  for (const call of [() => driver.put(file), () => driver.get(file), () => driver.remove(file)])
    expect(await faultOf(call())).toMatchObject({ code: 'unavailable', retryable: true });
  await driver.put(file);
  expect(Buffer.from((await driver.get(file))!)).toEqual(bytes);
  await server.close();
  expect(await faultOf(driver.get(file))).toMatchObject({ code: 'unavailable', retryable: true });
});

test('a bucket that is not there is no missing file', async () => {
  const driver = await openBucket({ ...options, bucket: 'other' });
  for (const call of [() => driver.put(file), () => driver.get(file), () => driver.remove(file)])
    expect((await faultOf(call())).message).toContain('NoSuchBucket');
});
