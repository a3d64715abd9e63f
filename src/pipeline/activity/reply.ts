/**
 * The `reply` activity of the assistant: reads what was said (and hears it, where a transcriber is set), asks the model
 * once, returns its words. History is a window by count and by tokens, in the order of turns; the messages to be answered
 * stand at its end, together.
 */
import type { ReplyInput, ReplyOutput } from '#core/dialog/assistant.ts';
import { limits } from '#core/limits.ts';
import { type ModelClient, ModelFault, type ModelMessage } from '#core/ports/model.ts';
import type { HistoryEntry, Store } from '#core/ports/store.ts';
import type { NumberSettings, TenantDirectory } from '#core/ports/tenants.ts';
import type { Circuits } from './circuit.ts';
import type { ActivityHandler } from './station.ts';
import type { VoiceNotes } from './voice-notes.ts';

export interface ReplyDeps {
  store: Pick<Store, 'readHistory'>;
  directory: TenantDirectory;
  model: ModelClient;
  circuits: Circuits;
  /** Where no transcriber is set, recordings stay what they are. */
  voiceNotes?: VoiceNotes;
}

const defaultSystemPrompt =
  'You answer customers of a business on WhatsApp. Be brief, friendly and honest; write in the language of the customer. ' +
  'Say so when you do not know something. When the customer wants a person, or you cannot help, use the tool handOff.';

/** A word of English or Spanish is about 1.3 tokens, a token about 4 characters; a guess is enough for a window. */
const charsPerToken = 4;

export function createReplyHandler(deps: ReplyDeps): ActivityHandler {
  return async (activity, signal, isLastAttempt) => {
    const settings = deps.directory.phoneNumber(activity.phoneNumberId)?.settings ?? {};
    const entries = await deps.store.readHistory({
      ref: activity.ref,
      throughFence: activity.fence,
      max: (settings.historyMessagesMax ?? limits.historyMessagesMax) + limits.turnEventsMax,
    });
    const input = activity.input as ReplyInput;
    if (isTaken(entries, input)) return { result: { text: '', seenByOperator: true } satisfies ReplyOutput };
    const isPending = (entry: HistoryEntry) => isAsked(entry, input);
    const heard = await deps.voiceNotes?.heard(entries, { activity, signal, isLastAttempt, isPending });
    const messages = windowOf(heard ?? entries, input, {
      messagesMax: settings.historyMessagesMax ?? limits.historyMessagesMax,
      tokensMax: settings.historyTokensMax ?? limits.historyTokensMax,
    });
    signal.throwIfAborted();
    const circuit = `${activity.ref.tenantId}\n${settings.model ?? ''}`;
    if (!deps.circuits.allows(circuit))
      throw new ModelFault('overloaded', 'the model failed several times in a row and is given a rest', {
        retryable: false,
      });
    try {
      const answer = await deps.model.reply({
        tenantId: activity.ref.tenantId,
        ...(settings.model === undefined ? {} : { model: settings.model }),
        system: systemPromptOf(settings, input),
        messages,
        offerHandOff: true,
        signal,
        idempotencyKey: activity.activityId,
      });
      deps.circuits.succeeded(circuit);
      const result: ReplyOutput = {
        text: answer.text,
        ...(answer.handOff === undefined ? {} : { handOff: answer.handOff }),
      };
      return { result, usage: answer.usage };
    } catch (error) {
      // An abort at the deadline is the model's failure; any other is a cancellation and says nothing about the model.
      // Nor does a refusal of these words: one customer must not silence the model for the others.
      const ofTheWords =
        error instanceof ModelFault && (error.code === 'refused' || error.code === 'badRequest');
      if (ofTheWords || (signal.aborted && signal.reason !== 'deadline')) deps.circuits.cutOff(circuit);
      else deps.circuits.failed(circuit);
      throw error;
    }
  };
}

function systemPromptOf(
  { systemPrompt = defaultSystemPrompt }: NumberSettings,
  { about }: ReplyInput,
): string {
  return about === undefined ? systemPrompt : `${systemPrompt}\n\n${about}`;
}

/**
 * Whether nothing of what is asked about is left to the bot. It came while the bot was thinking, and an operator took over
 * and has seen it; or a merge has given it another place in the mailbox, where the dialog meets it anew.
 */
function isTaken(entries: readonly HistoryEntry[], { after, through }: ReplyInput): boolean {
  const asked = entries.filter(
    ({ position }) => position !== null && position > after && position <= through,
  );
  return through > after && asked.every((entry) => entry.seen);
}

function isAsked({ position, seen }: HistoryEntry, { after, through }: ReplyInput): boolean {
  return position !== null && !seen && position > after && position <= through;
}

/** The messages for the model: history first, then what is to be answered; trimmed from the oldest. */
export function windowOf(
  entries: readonly HistoryEntry[],
  input: ReplyInput,
  bounds: { messagesMax: number; tokensMax: number },
): ModelMessage[] {
  const isPending = (entry: HistoryEntry) => isAsked(entry, input);
  const isLater = (entry: HistoryEntry) => entry.position !== null && entry.position > input.through;
  const toMessage = (entry: HistoryEntry): ModelMessage => ({
    role: entry.role === 'customer' ? 'user' : 'assistant',
    text: entry.text,
  });
  const pending = entries.filter(isPending).map(toMessage);
  const history = entries.filter((entry) => !isPending(entry) && !isLater(entry)).map(toMessage);
  let tokensLeft =
    bounds.tokensMax - pending.reduce((sum, message) => sum + message.text.length / charsPerToken, 0);
  const kept: ModelMessage[] = [];
  for (const message of history.reverse()) {
    tokensLeft -= message.text.length / charsPerToken;
    if (tokensLeft < 0 || kept.length + pending.length >= bounds.messagesMax) break;
    kept.push(message);
  }
  kept.reverse();
  while (kept[0]?.role === 'assistant') kept.shift();
  return [...kept, ...pending];
}
