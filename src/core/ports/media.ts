/**
 * Files at Meta. What customers send is named by id in a webhook and fetched when somebody wants to read it; what is sent
 * to them is uploaded first. The port is narrow because a call carries the business' token: whoever implements it decides
 * where the token may go.
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

export interface UploadCall {
  phoneNumberId: string;
  token: string;
  bytes: Uint8Array;
  mimeType: string;
  /** The sha256 of the bytes in hex. */
  fileId: string;
  signal?: AbortSignal;
}

/** The id under which Meta has the file, for this number and 30 days. A repeat makes another id and no harm. @throws MediaFault */
export type UploadMedia = (call: UploadCall) => Promise<string>;

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
