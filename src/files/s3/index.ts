/**
 * Files in a bucket of S3 or what speaks like it: `PREFIX/TENANT/SHA256`. Requests are signed by `aws4fetch`, which is
 * asked for only where a bucket is configured, and made by the world's HTTP client. The signature covers the digest of
 * the bytes, which is the file's name, so the bucket itself refuses what was damaged on its way.
 *
 * Source: docs.aws.amazon.com/AmazonS3/latest/API (PutObject, GetObject, DeleteObject; signature version 4)
 */
import { createHash } from 'node:crypto';
import { limits } from '#core/limits.ts';
import { demandFileId, type FileDriver, FileFault, type FileRef } from '#core/ports/files.ts';
import { type Clock, type Http, HttpFault, type HttpResponse } from '#core/ports/world.ts';

export interface BucketOptions {
  /** E.g. `https://s3.eu-central-1.amazonaws.com`; the bucket becomes the first part of the path. */
  endpoint: string;
  bucket: string;
  /** Before every name; empty, or without a slash at its ends. */
  prefix: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Of credentials that end by themselves. */
  temporaryToken?: string | undefined;
  http: Http;
  clock: Pick<Clock, 'nowMs'>;
}

const digestOfNothing = createHash('sha256').digest('hex');

interface Asked {
  method: 'GET' | 'PUT' | 'DELETE';
  file: FileRef;
  put?: { bytes: Uint8Array; mimeType: string };
}

/** @throws FileFault where the library that signs is not installed. */
export async function openBucket(options: BucketOptions): Promise<FileDriver> {
  const { AwsV4Signer } = await loadSigner();
  const { http, clock, region, accessKeyId, secretAccessKey, temporaryToken } = options;
  const root = [options.endpoint.replace(/\/+$/, ''), options.bucket, options.prefix]
    .filter((part) => part !== '')
    .join('/');

  const ask = async ({ method, file, put }: Asked): Promise<HttpResponse> => {
    const signer = new AwsV4Signer({
      ...{ method, url: urlOf(root, file), service: 's3', region, accessKeyId, secretAccessKey },
      ...(temporaryToken === undefined ? {} : { sessionToken: temporaryToken }),
      datetime: new Date(clock.nowMs()).toISOString().replace(/[:-]|\.\d{3}/g, ''),
      headers: {
        'x-amz-content-sha256': put === undefined ? digestOfNothing : file.fileId,
        ...(put === undefined ? {} : { 'content-type': put.mimeType }),
      },
    });
    const signed = await signer.sign();
    try {
      return await http.request({
        ...{ purpose: 'fileStore', method, url: signed.url.href, bytes: true },
        headers: Object.fromEntries(signed.headers),
        timeoutMs: limits.uploadTimeoutMs,
        bodyBytesMax: limits.fileBytesMax,
        ...(put === undefined ? {} : { body: put.bytes }),
      });
    } catch (error) {
      if (!(error instanceof HttpFault)) throw error;
      throw unavailable(`did not answer (${error.code})`, true);
    }
  };

  return {
    driver: 's3',
    async put({ bytes, mimeType, ...file }) {
      demand(await ask({ method: 'PUT', file, put: { bytes, mimeType } }), [200]);
    },
    async get(file) {
      const answer = await ask({ method: 'GET', file });
      demand(answer, [200, 404]);
      return answer.status === 404 ? null : (answer.bytes ?? null);
    },
    async remove(file) {
      demand(await ask({ method: 'DELETE', file }), [200, 204, 404]);
    },
  };
}

async function loadSigner() {
  try {
    return await import('aws4fetch');
  } catch {
    throw new FileFault(
      'unavailable',
      'FILES_URL names a bucket, and the package aws4fetch, which signs its requests, is not installed. Run `npm install aws4fetch`.',
      { retryable: false },
    );
  }
}

/** A tenant by its digest, as in a folder: ids may differ in what a bucket's tools take for equal. */
function urlOf(root: string, { tenantId, fileId }: FileRef): string {
  demandFileId(fileId);
  return `${root}/${createHash('sha256').update(tenantId).digest('hex').slice(0, 32)}/${fileId}`;
}

function demand({ status, bytes }: HttpResponse, statuses: readonly number[]): void {
  if (statuses.includes(status) && status !== 404) return;
  const code = /<Code>(\w{1,60})<\/Code>/.exec(Buffer.from(bytes ?? []).toString('latin1'))?.[1];
  // A bucket that is not there has no files either, but nothing of it may be taken for gone.
  if (statuses.includes(status) && code !== 'NoSuchBucket') return;
  const passes = status >= 500 || status === 429 || status === 408;
  throw unavailable(`answered ${status}${code === undefined ? '' : ` (${code})`}`, passes);
}

function unavailable(what: string, retryable: boolean): FileFault {
  const remedy = retryable
    ? 'It is tried again.'
    : 'Check FILES_URL, AWS_REGION, AWS_ENDPOINT_URL_S3 and the key, which must be allowed to get, put, delete and list.';
  return new FileFault('unavailable', `The bucket of files ${what}. ${remedy}`, { retryable });
}
