/**
 * Gives a file to Meta, as the multipart form that `/media` takes. The type that counts is that of the file's own part.
 * The form's boundary is made of the file's digest, which cannot stand in the file itself.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
 */
import { limits } from '#core/limits.ts';
import { MediaFault, type UploadCall, type UploadMedia } from '#core/ports/media.ts';
import { createGraphClient, type GraphClientOptions } from './client.ts';

export function createMediaUploader(options: GraphClientOptions): UploadMedia {
  const graph = createGraphClient(options);
  return async (call) => {
    const { phoneNumberId, token, signal } = call;
    const outcome = await graph.upload({
      ...{ phoneNumberId, token, form: formOf(call), timeoutMs: limits.uploadTimeoutMs },
      ...(signal === undefined ? {} : { signal }),
    });
    if (outcome.kind === 'ok') return outcome.value;
    const code = outcome.error === undefined ? '' : ` with code ${outcome.error.code}`;
    throw outcome.retry
      ? new MediaFault(
          'noAnswer',
          `File ${call.fileId} could not be given to Meta: no good answer came${code}. It may go later.`,
          { retryable: true },
        )
      : new MediaFault(
          'refused',
          `Meta refused file ${call.fileId}${code}. Check its type and that the tenant's access token is of the business of number ${phoneNumberId}.`,
          { retryable: false },
        );
  };
}

function formOf({ bytes, mimeType, fileId }: UploadCall): { contentType: string; body: Uint8Array } {
  const boundary = `nd-${fileId}`;
  // A line break in a type would begin a header of its own.
  const type = mimeType.replace(/[^\x20-\x7e]/g, '');
  const field = (name: string, value: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const head =
    field('messaging_product', 'whatsapp') +
    field('type', type) +
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${fileId}"\r\nContent-Type: ${type}\r\n\r\n`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}
