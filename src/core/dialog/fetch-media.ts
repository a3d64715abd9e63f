/**
 * The activity by which a dialog gets what a customer sent: a webhook only names the file, and Meta keeps it for 7 days.
 * The runtime has it itself; a dialog gives it to a `work` step, or declares it under the name `fetchMedia`, and starts it
 * with the `media` of the event. What comes back is kept as a file, which other activities read by its id.
 */
import { limits } from '../limits.ts';
import type { MediaRef } from '../model/events.ts';
import type { NamedActivity } from './activity.ts';

export type FetchMediaInput = Pick<MediaRef, 'mediaId' | 'mimeType' | 'sha256'>;

export interface FetchMediaOutput {
  /** For `context.files.get` of an activity. */
  fileId: string;
  mimeType: string;
  bytes: number;
}

/** Fails with the codes of `MediaFault` and `FileFault`: `gone`, `tooLarge`, `damaged`, `refused`, ... */
export const fetchMedia: NamedActivity<FetchMediaInput, FetchMediaOutput> = {
  name: 'fetchMedia',
  deadlineMs: () => limits.fetchMediaTimeoutMs,
};
