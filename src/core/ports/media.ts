/**
 * Files that customers send: a webhook names them by id, and they are fetched when somebody wants to read them. The
 * port is narrow because a fetch carries the business' token: whoever implements it decides where the token may go.
 */
import { KnownError } from '../model/faults.ts';
export interface MediaCall {
  phoneNumberId: string;
  /** Can be fetched for 7 days. */
  mediaId: string;
  token: string;
  /** As the webhook has it, in base64; the file must have it. */
  sha256?: string;
  signal: AbortSignal;
}

export interface MediaFile {
  bytes: Uint8Array;
  mimeType: string;
}

/** @throws MediaFault */
export type FetchMedia = (call: MediaCall) => Promise<MediaFile>;

/**
 * Why there is no file. `gone`: expired or never there. `refused`: the token may not, or the answer makes no sense.
 * `foreignHost`: it lies where the token must not go. `damaged`: it is not the file that the customer sent.
 */
export class MediaFault extends KnownError {
  override readonly name = 'MediaFault';
  readonly code: 'gone' | 'refused' | 'foreignHost' | 'tooLarge' | 'damaged' | 'noAnswer';
  /** The same fetch may succeed soon. */
  readonly retryable: boolean;

  constructor(code: MediaFault['code'], message: string, options: { retryable: boolean }) {
    super(message);
    this.code = code;
    this.retryable = options.retryable;
  }
}
