/**
 * The station of files: keeps them, finds them, gives them to Meta, and lets them go when nobody has used them for as
 * long as messages are kept. Bytes are written before the store says that they are there and removed before it forgets
 * them, so a crash leaves at most bytes that nobody knows of, or a row whose bytes are asked for in vain.
 *
 * An upload stays with Meta for 30 days and is of use to the number that made it alone; which file has which id is
 * remembered per number for a little less. To change what Meta takes, see `fileLimits`.
 */
import { createHash } from 'node:crypto';
import { limits } from '#core/limits.ts';
import { outlineOf } from '#core/model/faults.ts';
import { fileBytesMaxOf, fileKindOf } from '#core/model/send-limits.ts';
import {
  type FileDriver,
  FileFault,
  type FileRef,
  type FileRow,
  type FileStore,
  type StoredFile,
} from '#core/ports/files.ts';
import type { UploadMedia } from '#core/ports/media.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { World } from '#core/ports/world.ts';

export interface FilesDeps {
  world: Pick<World, 'clock' | 'timers' | 'log'>;
  store: FileStore;
  telemetry: Telemetry;
  driver: FileDriver;
  uploadMedia: UploadMedia;
  tokenOf(tenantId: string): string | undefined;
  /** As that of messages. */
  retentionMs: number;
}

export interface FilesStation {
  /** @throws FileFault */
  put(file: StoredFile & { tenantId: string }): Promise<FileRef>;
  /** @throws FileFault */
  get(file: FileRef): Promise<StoredFile>;
  /** The id under which Meta has the file for this number. @throws FileFault, MediaFault */
  upload(input: FileRef & { phoneNumberId: string; signal?: AbortSignal }): Promise<string>;
  start(): void;
  /** Lets go of what is past its time; returns how many files that were. */
  sweep(): Promise<number>;
  stop(): Promise<void>;
}

export function createFilesStation(deps: FilesDeps): FilesStation {
  return new Station(deps);
}

class Station implements FilesStation {
  readonly #deps: FilesDeps;
  /** What is being done with a file: putting and removing the same one come after each other. */
  readonly #busy = new Map<string, Promise<unknown>>();
  /** Uploads under way; whoever wants the same one waits for it. */
  readonly #uploads = new Map<string, Promise<string>>();
  #cancel: (() => void) | null = null;
  #sweeping: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(deps: FilesDeps) {
    this.#deps = deps;
  }

  async put({ tenantId, bytes, mimeType }: StoredFile & { tenantId: string }): Promise<FileRef> {
    if (bytes.length > limits.fileBytesMax)
      throw new FileFault(
        'tooLarge',
        `A file of ${bytes.length} bytes was to be kept; at most ${limits.fileBytesMax} are.`,
        { retryable: false },
      );
    const file = { tenantId, fileId: createHash('sha256').update(bytes).digest('hex') };
    await this.#alone(file, async () => {
      await this.#deps.driver.put({ ...file, bytes, mimeType });
      await this.#note(file, { mimeType, bytes: bytes.length });
    });
    return file;
  }

  async get(file: FileRef): Promise<StoredFile> {
    const row = await this.#find(file);
    const bytes = await this.#deps.driver.get(file);
    if (bytes === null) throw gone(file);
    if (createHash('sha256').update(bytes).digest('hex') !== file.fileId)
      throw new FileFault(
        'damaged',
        `The bytes of file ${file.fileId} are not those that were kept. Check the disk, and put the file again.`,
        { retryable: false },
      );
    return { bytes, mimeType: row.mimeType };
  }

  async upload(input: FileRef & { phoneNumberId: string; signal?: AbortSignal }): Promise<string> {
    const { tenantId, fileId, phoneNumberId } = input;
    const { store, world } = this.#deps;
    await this.#find(input);
    const known = await store.findUpload({ tenantId, fileId, phoneNumberId, nowMs: world.clock.nowMs() });
    if (known !== null) {
      this.#count('known');
      return known;
    }
    const key = [tenantId, phoneNumberId, fileId].join('\n');
    const underWay = this.#uploads.get(key);
    if (underWay !== undefined) return underWay;
    const upload = this.#counted(this.#send(input)).finally(() => this.#uploads.delete(key));
    this.#uploads.set(key, upload);
    return upload;
  }

  async #counted(upload: Promise<string>): Promise<string> {
    try {
      const mediaId = await upload;
      this.#count('sent');
      return mediaId;
    } catch (error) {
      this.#count('failed');
      throw error;
    }
  }

  #count(result: 'known' | 'sent' | 'failed'): void {
    this.#deps.telemetry.count('nightdesk_uploads_total', { result });
  }

  async #send({
    tenantId,
    fileId,
    phoneNumberId,
    signal,
  }: FileRef & { phoneNumberId: string; signal?: AbortSignal }): Promise<string> {
    const { store, world, tokenOf, uploadMedia } = this.#deps;
    const { bytes, mimeType } = await this.get({ tenantId, fileId });
    refuseWhatMetaRefuses(fileId, { bytes, mimeType });
    const token = tokenOf(tenantId);
    if (token === undefined)
      throw new FileFault(
        'notUploaded',
        `File ${fileId} cannot be given to Meta: the tenant has no access token. Set one with \`nightdesk tenants apply\`.`,
        { retryable: false },
      );
    // Counted from before: Meta's 30 days begin no earlier.
    const nowMs = world.clock.nowMs();
    const mediaId = await uploadMedia({
      ...{ phoneNumberId, token, bytes, mimeType, fileId },
      ...(signal === undefined ? {} : { signal }),
    });
    const untilMs = nowMs + limits.uploadKeepMs;
    await store.noteUpload({ tenantId, fileId, phoneNumberId, mediaId, untilMs, nowMs });
    return mediaId;
  }

  /** Using a file keeps it; that is written once a day, not at each use. */
  async #find(file: FileRef): Promise<FileRow> {
    const row = await this.#deps.store.findFile(file);
    if (row === null) throw gone(file);
    if (row.usedAtMs + limits.fileUseNotedEveryMs < this.#deps.world.clock.nowMs())
      await this.#alone(file, () => this.#note(file, row));
    return row;
  }

  async #note({ tenantId, fileId }: FileRef, row: Pick<FileRow, 'mimeType' | 'bytes'>): Promise<void> {
    const { mimeType, bytes } = row;
    const nowMs = this.#deps.world.clock.nowMs();
    await this.#deps.store.noteFile({ tenantId, fileId, mimeType, bytes, nowMs });
  }

  start(): void {
    const { timers, log } = this.#deps.world;
    const next = () => {
      if (this.#stopped) return;
      this.#cancel = timers.after(limits.pruneEveryMs, () => {
        this.#sweeping = this.sweep()
          .catch((error: unknown) => log.warn({ err: outlineOf(error) }, 'Old files could not be let go.'))
          .then(next);
      });
    };
    next();
  }

  async sweep(): Promise<number> {
    const { store, driver, world, retentionMs } = this.#deps;
    const unusedSinceMs = world.clock.nowMs() - retentionMs;
    let removed = 0;
    for (const file of await store.listUnusedFiles({ unusedSinceMs, max: limits.filesRemovedAtOnceMax })) {
      if (this.#stopped) break;
      await this.#alone(file, async () => {
        const row = await store.findFile(file);
        if (row === null || row.usedAtMs >= unusedSinceMs) return;
        await driver.remove(file);
        if (await store.forgetFile({ ...file, unusedSinceMs })) removed += 1;
      });
    }
    return removed;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#sweeping;
  }

  async #alone<T>({ tenantId, fileId }: FileRef, work: () => Promise<T>): Promise<T> {
    const key = `${tenantId}\n${fileId}`;
    const before = this.#busy.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.then(
      () => {},
      () => {},
    );
    this.#busy.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(key) === settled) this.#busy.delete(key);
    }
  }
}

/** Meta takes it and reports it minutes later; here it is known at once. */
function refuseWhatMetaRefuses(fileId: string, { bytes, mimeType }: StoredFile): void {
  const kind = fileKindOf(mimeType);
  if (kind === null)
    throw new FileFault(
      'badType',
      `File ${fileId} is of a type that Meta does not take. Convert it to one of those in docs/reference/sends.md.`,
      { retryable: false },
    );
  const bytesMax = fileBytesMaxOf(kind, bytes);
  if (bytes.length > bytesMax)
    throw new FileFault(
      'tooLarge',
      `File ${fileId} has ${bytes.length} bytes; Meta takes at most ${bytesMax} as ${kind}. Make it smaller.`,
      { retryable: false },
    );
}

function gone({ fileId }: FileRef): FileFault {
  return new FileFault(
    'gone',
    `File ${fileId} is not kept: it was never put here, or nobody used it for as long as messages are kept.`,
    { retryable: false },
  );
}
