/**
 * Turns the voice notes and audio files of a conversation into words before a model is asked. Only what is to be answered
 * is transcribed; transcripts are remembered, within a bound, so that neither another attempt nor a later answer pays
 * for one again, and history shows them for as long as this process remembers.
 *
 * Nothing ends in silence: where one cannot be transcribed, the model is told so beside what it can read; where nothing
 * else can be read, the activity fails, and the dialog does what it does when an answer fails.
 */
import { limits } from '#core/limits.ts';
import { outlineOf } from '#core/model/faults.ts';
import { type FetchMedia, MediaFault } from '#core/ports/media.ts';
import { ModelFault, type Transcriber } from '#core/ports/model.ts';
import type { HistoryEntry, RunnableActivity } from '#core/ports/store.ts';
import type { Log } from '#core/ports/world.ts';

export interface VoiceNotesDeps {
  transcriber: Transcriber;
  fetchMedia: FetchMedia;
  tokenOf(tenantId: string): string | undefined;
  log: Log;
}

export interface VoiceNotes {
  /** The entries, with words in the place of recordings. @throws ModelFault, MediaFault where nothing can be read */
  heard(entries: readonly HistoryEntry[], asked: Asked): Promise<HistoryEntry[]>;
}

interface Asked {
  activity: RunnableActivity;
  signal: AbortSignal;
  /** A fault that may pass is waited out by another attempt, unless there is none. */
  isLastAttempt: boolean;
  /** Whether an entry is to be answered. */
  isPending(entry: HistoryEntry): boolean;
}

type Recording = HistoryEntry & Required<Pick<HistoryEntry, 'media'>>;

/** Its words, or why there are none. */
type Heard = string | ModelFault | MediaFault;

const notTranscribed = '[voice note that could not be transcribed]';

const isRecording = (entry: HistoryEntry): entry is Recording =>
  (entry.kind === 'voice' || entry.kind === 'audio') && entry.media !== undefined;

export function createVoiceNotes(deps: VoiceNotesDeps): VoiceNotes {
  /** By tenant and media id; the oldest is forgotten first. */
  const transcripts = new Map<string, string>();
  const keyOf = ({ activity }: Asked, { media }: Recording) => `${activity.ref.tenantId}\n${media.mediaId}`;

  const remember = (key: string, transcript: string) => {
    transcripts.set(key, transcript);
    for (const oldest of transcripts.keys()) {
      if (transcripts.size <= limits.transcriptsKeptMax) return;
      transcripts.delete(oldest);
    }
  };

  const hear = async (asked: Asked, recording: Recording): Promise<Heard> => {
    const key = keyOf(asked, recording);
    const known = transcripts.get(key);
    if (known !== undefined) return known;
    try {
      const transcript = await transcriptOf(deps, asked, recording);
      remember(key, transcript);
      return transcript;
    } catch (error) {
      if (error instanceof ModelFault || error instanceof MediaFault) return error;
      throw error;
    }
  };

  return {
    async heard(entries, asked) {
      const pending = entries.filter(asked.isPending);
      const heard = new Map<HistoryEntry, Heard>();
      await inGroups(pending.filter(isRecording), async (recording) => {
        heard.set(recording, await hear(asked, recording));
      });
      asked.signal.throwIfAborted();
      judge(deps.log, asked, pending, heard);
      return entries.map((entry) => {
        if (!isRecording(entry)) return entry;
        const words = heard.get(entry) ?? transcripts.get(keyOf(asked, entry));
        if (words === undefined) return entry;
        const text = typeof words === 'string' ? `[${entry.kind}] ${words}` : notTranscribed;
        return { ...entry, text };
      });
    },
  };
}

/** Lets it pass where something can be answered. @throws ModelFault, MediaFault */
function judge(
  log: Log,
  asked: Asked,
  pending: readonly HistoryEntry[],
  heard: ReadonlyMap<HistoryEntry, Heard>,
): void {
  const faults = [...heard.values()].filter((each) => typeof each !== 'string');
  const [first] = faults;
  if (first === undefined) return;
  const passing = faults.find((fault) => fault.retryable);
  if (passing !== undefined && !asked.isLastAttempt) throw passing;
  // What a model cannot read stands in history as its kind in brackets and nothing else.
  const isReadable = (entry: HistoryEntry) =>
    heard.has(entry) ? typeof heard.get(entry) === 'string' : entry.text !== `[${entry.kind}]`;
  if (!pending.some(isReadable)) throw first;
  const { ref, activityId } = asked.activity;
  const fields = { ...ref, activityId, err: faults.map(outlineOf).join(' ') };
  log.warn(fields, 'A voice note could not be transcribed; what came beside it is answered.');
}

async function transcriptOf(deps: VoiceNotesDeps, asked: Asked, { media }: Recording): Promise<string> {
  const { activity, signal } = asked;
  const token = deps.tokenOf(activity.ref.tenantId);
  if (token === undefined)
    throw new MediaFault(
      'refused',
      `Media ${media.mediaId} was not asked for: tenant ${activity.ref.tenantId} has no access token. Apply the tenant with one, or set WHATSAPP_ACCESS_TOKEN.`,
      { retryable: false },
    );
  const { mediaId, sha256, mimeType } = media;
  const { bytes } = await deps.fetchMedia({
    phoneNumberId: activity.phoneNumberId,
    mediaId,
    token,
    ...(sha256 === undefined ? {} : { sha256 }),
    signal,
  });
  const idempotencyKey = `${activity.activityId}:${mediaId}`;
  const { text } = await deps.transcriber.transcribe({ audio: bytes, mimeType, signal, idempotencyKey });
  return text.length <= limits.transcriptCharsMax
    ? text
    : `${text.slice(0, limits.transcriptCharsMax)} [the rest was cut off]`;
}

/** Works on a few at once. */
async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let first = 0; first < items.length; first += limits.transcriptionsAtOnceMax)
    await Promise.all(items.slice(first, first + limits.transcriptionsAtOnceMax).map(work));
}
