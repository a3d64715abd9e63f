/**
 * Files: what customers sent and what activities made. A file is named by its content (its sha256), so the same file is
 * kept once and cannot change under its name. Its bytes lie with a driver (a folder, a bucket), what is known of it in the
 * store; bytes are there before the store says so, and go before it forgets. A file stays as long as messages do, counted
 * from its last use. Files belong to a tenant: equal files of two tenants are two files.
 *
 * To add a driver, implement `FileDriver` and run `fileConformance` of `nightdesk/testing` on it.
 */
import { KnownError } from '../model/faults.ts';

export interface FileRef {
  tenantId: string;
  /** 64 hex digits: the sha256 of the bytes. */
  fileId: string;
}

const idForm = /^[0-9a-f]{64}$/;

/** Before an id becomes part of a path or an address. @throws TypeError */
export function demandFileId(fileId: string): void {
  if (!idForm.test(fileId)) throw new TypeError('A file id is 64 hex digits; this one is something else.');
}

export interface StoredFile {
  bytes: Uint8Array;
  mimeType: string;
}

/** Where bytes lie. Methods reject with a `FileFault` where the place cannot be used now. */
export interface FileDriver {
  readonly driver: string;
  /** Durable when it resolves. The same file again changes nothing. */
  put(file: FileRef & StoredFile): Promise<void>;
  /** Null where there is none. */
  get(file: FileRef): Promise<Uint8Array | null>;
  /** Also where there is none. */
  remove(file: FileRef): Promise<void>;
}

/** `gone`: past its time, or never there. `tooLarge`, `badType`: Meta would not take it. `damaged`: not the bytes of its name. */
export class FileFault extends KnownError {
  override readonly name = 'FileFault';
  readonly code: 'gone' | 'tooLarge' | 'badType' | 'damaged' | 'unavailable' | 'notUploaded';
  /** The same may succeed soon. */
  readonly retryable: boolean;

  constructor(code: FileFault['code'], message: string, options: { retryable: boolean }) {
    super(message);
    this.code = code;
    this.retryable = options.retryable;
  }
}

export interface FileRow {
  mimeType: string;
  bytes: number;
  usedAtMs: number;
}

/** The part of the store that knows of files. */
export interface FileStore {
  /** The bytes are there, and were used now. */
  noteFile(input: FileRef & { mimeType: string; bytes: number; nowMs: number }): Promise<void>;
  findFile(file: FileRef): Promise<FileRow | null>;
  /** Meta has the file for this number; `untilMs` is when it must not be counted on any more. */
  noteUpload(
    input: FileRef & { phoneNumberId: string; mediaId: string; untilMs: number; nowMs: number },
  ): Promise<void>;
  findUpload(input: FileRef & { phoneNumberId: string; nowMs: number }): Promise<string | null>;
  /** Files of all tenants that nobody used since, the longest unused first. */
  listUnusedFiles(input: { unusedSinceMs: number; max: number }): Promise<FileRef[]>;
  /** False where it was used since, and is kept. */
  forgetFile(input: FileRef & { unusedSinceMs: number }): Promise<boolean>;
}
