/**
 * The assistant: an AI answers every message. idle -> collecting -> thinking -> idle. The messages of one batch are
 * answered together; what comes while an answer is being made waits for the next one (`queue`), or is answered together
 * with it (`interrupt`, at most twice). A model that fails or is late costs the customer no silence: a fallback text and a
 * flag, in one commit. The dialog remembers positions, never words: history is read when an answer is made.
 */
import { assign, fromPromise, setup } from 'xstate';
import { limits } from '../limits.ts';
import type { MessageKind } from '../model/events.ts';
import type { LimitClaim } from '../ports/store.ts';
import type { NumberSettings } from '../ports/tenants.ts';
import {
  type ActivityDeclaration,
  type Dialog,
  type DialogEvent,
  defineDialog,
  dialogActions,
  type FlagParams,
  type MailboxDrained,
  type SayParams,
  type TurnEnv,
} from './dialog.ts';
import { defaultTexts, fallbackAllowed, fallbackText, wordsOfNumber } from './fallback.ts';
import { languageSpoken } from './steps/root.ts';
import { languageWords } from './steps/texts.ts';

/** What the `reply` activity is asked: answer the messages after one position through another. */
export interface ReplyInput {
  after: number;
  through: number;
  /** What the model should know of the moment beside the number's system prompt. */
  about?: string;
}

export interface ReplyOutput {
  text: string;
  /** The model asked for a person. */
  handOff?: { reason: string };
  /** An operator has seen all that was asked about: there is nothing to answer, and no model was asked. */
  seenByOperator?: true;
}

interface Context {
  answeredThrough: number;
  pendingThrough: number;
  /** Through which position the running answer goes. */
  askedThrough: number;
  /** Something of what is pending can be read by a model. */
  readable: boolean;
  /** How often in a row the customer was told that nothing can be read; states from before it was counted have none. */
  unreadInRow?: number;
  interrupts: number;
  mutedUntilMs: number;
  /** By the first word that gave it away, or by its name; states from before it was noted have none. */
  language?: string | null;
  lastWamid: string | null;
}

type Done = { type: 'xstate.done.actor.reply'; output: ReplyOutput; env: TurnEnv };
type Failed = { type: 'xstate.error.actor.reply'; error: { code: string; message: string }; env: TurnEnv };
type Events = DialogEvent | MailboxDrained | Done | Failed;

/** Kinds that open a turn of the assistant; context kinds (reactions, edits) are kept for history only. */
const answerKinds = [
  'text',
  'image',
  'video',
  'audio',
  'voice',
  'document',
  'sticker',
  'location',
  'contacts',
  'button',
  'listChoice',
  'templateButton',
  'waFlowReply',
  'order',
  'unsupported',
  'unknown',
] as const satisfies readonly MessageKind[];

const knownLanguages = Object.keys(languageWords);

const hourMs = 3_600_000;
const muteMs = hourMs;
/** Two bots must not tell each other for ever that they cannot read: after so many times a person is asked instead. */
const unreadInRowMax = 3;

function isReadable(event: DialogEvent): boolean {
  const isRecording = event.type === 'voice' || event.type === 'audio';
  if (event.media !== undefined)
    return event.media.caption !== undefined || (isRecording && event.env.transcribes);
  return !['unsupported', 'unknown', 'contacts', 'voice', 'audio', 'sticker'].includes(event.type);
}

/** What every event of this dialog carries; XState's own types for results know nothing of it. */
interface Arrived {
  context: Context;
  event: unknown;
}
const envOf = (event: unknown) => (event as { env: TurnEnv }).env;
const outputOf = (event: unknown) => (event as Done).output;
const errorOf = (event: unknown) => (event as Failed).error;

/** A text with what every text of an answer carries. */
function words(event: unknown, text: string, answersThrough: number): SayParams {
  const { uncertain } = envOf(event).settings;
  return { text, answersThrough, ...(uncertain === undefined ? {} : { uncertainPolicy: uncertain }) };
}

function inLanguage(
  event: unknown,
  name: 'handOffText' | 'unsupportedText' | 'mutedText',
  otherwise: string,
): string {
  const env = envOf(event);
  return wordsOfNumber(env.settings[name], env, otherwise);
}

const say = {
  answer: ({ context, event }: Arrived): SayParams => {
    const { text, handOff } = outputOf(event);
    const silent = handOff !== undefined && text.trim() === '';
    return words(
      event,
      silent ? inLanguage(event, 'handOffText', defaultTexts.handOff) : text,
      context.askedThrough,
    );
  },
  unsupported: ({ context, event }: Arrived) =>
    words(event, inLanguage(event, 'unsupportedText', defaultTexts.unsupported), context.pendingThrough),
  fallback: ({ context, event }: Arrived): SayParams => ({
    ...words(event, fallbackText(envOf(event)), context.askedThrough),
    fallback: true,
  }),
  muted: ({ context, event }: Arrived) =>
    words(event, inLanguage(event, 'mutedText', defaultTexts.muted), context.askedThrough),
};

const flag = {
  unread: ({ context }: Arrived): FlagParams => ({
    reason: 'cannotRead',
    answersThrough: context.pendingThrough,
  }),
  asked: ({ context, event }: Arrived): FlagParams => ({
    reason: 'customerAsked',
    detail: outputOf(event).handOff?.reason ?? '',
    answersThrough: context.askedThrough,
  }),
  empty: ({ context }: Arrived): FlagParams => ({
    reason: 'replyFailed',
    detail: 'the model gave an empty answer',
    answersThrough: context.askedThrough,
  }),
  muted: ({ context }: Arrived): FlagParams => ({
    reason: 'mutedByLimit',
    answersThrough: context.askedThrough,
  }),
  failed: ({ context, event }: Arrived): FlagParams => {
    const { code, message } = errorOf(event);
    return {
      reason: code === 'deadline' ? 'replyTimeout' : 'replyFailed',
      detail: message,
      answersThrough: context.askedThrough,
    };
  },
};

const noAnswer = {
  seen: ({ context }: Arrived) => ({ rule: 'seenByOperator', answersThrough: context.askedThrough }),
};

function receipt({ context, event }: Arrived): { wamid: string; typing: boolean } {
  const receipts = envOf(event).settings.receipts ?? 'typing';
  return { wamid: receipts === 'none' ? '' : (context.lastWamid ?? ''), typing: receipts === 'typing' };
}

const machine = setup({
  types: { context: {} as Context, events: {} as Events },
  actors: {
    reply: fromPromise<ReplyOutput, ReplyInput>(() =>
      Promise.reject(new Error('Activities are run by the runtime.')),
    ),
  },
  actions: {
    ...dialogActions,
    note: assign(({ context, event }) => {
      const message = event as DialogEvent;
      // A batch is seen by WhatsApp's time, so the last message seen need not stand last in the mailbox.
      const pendingThrough = Math.max(context.pendingThrough, message.position);
      return {
        pendingThrough,
        readable: context.readable || isReadable(message),
        language: languageSpoken(message.text ?? '', knownLanguages) ?? context.language ?? null,
        lastWamid: message.wamid,
      };
    }),
    ask: assign(({ context }) => ({ askedThrough: context.pendingThrough, readable: false, unreadInRow: 0 })),
    interrupted: assign(({ context }) => ({ interrupts: context.interrupts + 1 })),
    answered: assign(({ context }) => ({ answeredThrough: context.askedThrough, interrupts: 0 })),
    answeredAll: assign(({ context }) => ({
      answeredThrough: context.pendingThrough,
      readable: false,
      unreadInRow: (context.unreadInRow ?? 0) + 1,
    })),
    mute: assign(({ event }) => ({ mutedUntilMs: event.env.nowMs + muteMs })),
  },
  guards: {
    readable: ({ context }) => context.readable,
    unreadAgain: ({ context }) => (context.unreadInRow ?? 0) >= unreadInRowMax,
    mayInterrupt: ({ context, event }) =>
      event.env.settings.overlap === 'interrupt' &&
      context.readable &&
      context.pendingThrough > context.askedThrough &&
      context.interrupts < limits.interruptsPerAnswerMax,
    morePending: ({ context }) => context.pendingThrough > context.askedThrough,
    handsOff: ({ event }) => outputOf(event).handOff !== undefined,
    seen: ({ event }) => outputOf(event).seenByOperator === true,
    empty: ({ event }) => outputOf(event).text.trim() === '',
    emptyQuietly: ({ event }) => outputOf(event).text.trim() === '' && !fallbackAllowed(envOf(event)),
    limited: ({ event }) => errorOf(event).code === 'limitRefused',
    muted: ({ context, event }) =>
      errorOf(event).code === 'limitRefused' && context.mutedUntilMs > envOf(event).nowMs,
    mayFallBack: ({ event }) => fallbackAllowed(envOf(event)),
  },
}).createMachine({
  id: 'assistant',
  // It only ever says texts.
  meta: { nightdesk: { options: [] } },
  context: {
    answeredThrough: 0,
    pendingThrough: 0,
    askedThrough: 0,
    readable: false,
    interrupts: 0,
    mutedUntilMs: 0,
    lastWamid: null,
  },
  initial: 'idle',
  states: {
    idle: { on: onMessages({ target: 'collecting', actions: 'note' }) },
    collecting: {
      on: {
        ...onMessages({ actions: 'note' }),
        mailboxDrained: [
          { guard: 'readable', target: 'thinking' },
          {
            guard: 'unreadAgain',
            target: 'idle',
            actions: [{ type: 'flag', params: flag.unread }, 'answeredAll'],
          },
          { target: 'idle', actions: [{ type: 'say', params: say.unsupported }, 'answeredAll'] },
        ],
      },
    },
    thinking: {
      entry: ['ask', { type: 'markRead', params: receipt }],
      invoke: {
        src: 'reply',
        id: 'reply',
        input: ({ context }) => ({ after: context.answeredThrough, through: context.pendingThrough }),
        onDone: [
          {
            guard: 'handsOff',
            target: 'idle',
            actions: [
              { type: 'say', params: say.answer },
              { type: 'flag', params: flag.asked },
              { type: 'handOff', params: {} },
              'answered',
            ],
          },
          {
            guard: 'seen',
            target: 'resting',
            actions: [{ type: 'noAnswer', params: noAnswer.seen }, 'answered'],
          },
          {
            guard: 'emptyQuietly',
            target: 'resting',
            actions: [{ type: 'flag', params: flag.empty }, 'answered'],
          },
          {
            guard: 'empty',
            target: 'resting',
            actions: [
              { type: 'flag', params: flag.empty },
              { type: 'say', params: say.fallback },
              'answered',
            ],
          },
          { target: 'resting', actions: [{ type: 'say', params: say.answer }, 'answered'] },
        ],
        onError: [
          { guard: 'muted', target: 'resting', actions: [{ type: 'flag', params: flag.muted }, 'answered'] },
          {
            guard: 'limited',
            target: 'resting',
            actions: [
              { type: 'flag', params: flag.muted },
              { type: 'say', params: say.muted },
              'mute',
              'answered',
            ],
          },
          {
            guard: 'mayFallBack',
            target: 'resting',
            actions: [
              { type: 'flag', params: flag.failed },
              { type: 'say', params: say.fallback },
              'answered',
            ],
          },
          { target: 'resting', actions: [{ type: 'flag', params: flag.failed }, 'answered'] },
        ],
      },
      on: {
        ...onMessages({ actions: 'note' }),
        /** The operator's take-over cancelled the answer; what was asked since is asked now. */
        handedBack: { target: 'resting', actions: 'answered' },
        mailboxDrained: { guard: 'mayInterrupt', target: 'thinking', reenter: true, actions: 'interrupted' },
      },
    },
    /** An answer is done: what came meanwhile is next. */
    resting: { always: [{ guard: 'morePending', target: 'collecting' }, { target: 'idle' }] },
  },
});

/** The same reaction for every kind of message that wants an answer. */
function onMessages<T>(reaction: T): Record<(typeof answerKinds)[number], T> {
  return Object.fromEntries(answerKinds.map((kind) => [kind, reaction])) as Record<
    (typeof answerKinds)[number],
    T
  >;
}

/** Two bots must not talk for ever, and no tenant's model bill may run away. */
function claims(settings: NumberSettings, contactId: string): LimitClaim[] {
  const perContact = {
    limit: 'repliesPerContactPerHour',
    scope: contactId,
    windowMs: hourMs,
    max: settings.repliesPerContactPerHourMax ?? limits.repliesPerContactPerHourMax,
    amount: 1,
  };
  const { repliesPerTenantPerDayMax: max } = settings;
  return max === undefined
    ? [perContact]
    : [perContact, { limit: 'repliesPerTenantPerDay', scope: '', windowMs: 24 * hourMs, max, amount: 1 }];
}

/** The activity `reply`, for every dialog that lets the assistant answer. */
export const replyDeclaration: ActivityDeclaration = {
  deadlineMs: (settings) => settings.replyTimeoutMs ?? limits.replyTimeoutMs,
  claims,
};

export const assistant: Dialog = defineDialog({
  name: 'assistant',
  version: 1,
  machine,
  activities: { reply: replyDeclaration },
  languageOf: (context) => (context as Context | undefined)?.language ?? null,
  // A tap on whatever another dialog of the number once offered is a message like any other.
  staleTap: 'act',
});
