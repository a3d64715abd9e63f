/**
 * The `fetchMedia` activity: fetches a file that a customer sent, only from Meta's hosts, and keeps it. The fetch is made
 * outside the webhook's answer and may be repeated freely, since it changes nothing at Meta.
 */
import type { FetchMediaInput, FetchMediaOutput } from '#core/dialog/fetch-media.ts';
import { limits } from '#core/limits.ts';
import type { FileRef, StoredFile } from '#core/ports/files.ts';
import { type FetchMedia, MediaFault } from '#core/ports/media.ts';
import type { ActivityHandler } from './station.ts';

export interface FetchMediaDeps {
  fetchMedia: FetchMedia;
  /** @throws FileFault */
  keep(file: StoredFile & { tenantId: string }): Promise<FileRef>;
  tokenOf(tenantId: string): string | undefined;
}

export function createFetchMediaHandler({ fetchMedia, keep, tokenOf }: FetchMediaDeps): ActivityHandler {
  return async ({ ref, phoneNumberId, input }, signal) => {
    const { mediaId, mimeType, sha256 } = inputOf(input);
    const token = tokenOf(ref.tenantId);
    if (token === undefined)
      throw new MediaFault(
        'refused',
        `Media ${mediaId} cannot be fetched: the tenant has no access token. Set one with \`nightdesk tenants apply\`.`,
        { retryable: false },
      );
    const found = await fetchMedia({
      ...{ phoneNumberId, mediaId, token, signal },
      ...(sha256 === undefined ? {} : { sha256 }),
    });
    // Meta's look-up leaves out what the webhook says of it, as in `audio/ogg; codecs=opus`.
    const type = mimeType.startsWith(found.mimeType) ? mimeType : found.mimeType;
    const { fileId } = await keep({ tenantId: ref.tenantId, bytes: found.bytes, mimeType: type });
    return { result: { fileId, mimeType: type, bytes: found.bytes.length } satisfies FetchMediaOutput };
  };
}

/** A dialog that passes something else is at fault; what was passed is not shown. */
function inputOf(input: unknown): FetchMediaInput {
  const { mediaId, mimeType, sha256 } = (input ?? {}) as Partial<Record<keyof FetchMediaInput, unknown>>;
  if (typeof mediaId !== 'string' || mediaId === '' || mediaId.length > limits.mediaIdCharsMax)
    throw new MediaFault(
      'gone',
      'fetchMedia was started without a media id. Start it with the `media` of an image, a document or the like.',
      { retryable: false },
    );
  return {
    mediaId,
    mimeType: typeof mimeType === 'string' ? mimeType : 'application/octet-stream',
    ...(typeof sha256 === 'string' ? { sha256 } : {}),
  };
}
