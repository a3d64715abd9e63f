/**
 * Moments: what the server tells about each single message, for whoever watches one live on its way, e.g. the phone page of
 * `nightdesk dev`. A metric counts, a log warns; a moment names the message, the turn, the activity and the send, so that
 * all of them can be told as one life. Kinds and fields are a contract. No moment holds a secret or what anybody wrote.
 *
 * A world without an observer costs one comparison at each place. To add a moment, add it to `MomentDetails`; the compiler
 * then wants its words in `moments`, and a test wants them in `docs/reference/moments.md`.
 */
import type { FlagReason } from '../model/effects.ts';
import type { EventKind, QuarantineReason } from '../model/events.ts';
import type { ConversationRef } from '../model/ids.ts';
import type { SendOrigin } from '../model/sends.ts';
import type { PaceScope } from './store.ts';

/** An event that a turn takes: a message by its wamid, the end of an activity by its id. */
export interface TakenEvent {
  position: number;
  event: EventKind;
  wamid: string | null;
  activityId: string | null;
}

interface OfTurn extends ConversationRef {
  turn: number;
}

interface OfActivity extends ConversationRef {
  activityId: string;
}

interface OfSend extends ConversationRef {
  sendId: string;
}

interface OfMessage {
  wamid: string;
  phoneNumberId: string;
}

interface OfBusiness {
  door: 'events' | 'stripe';
  name: string;
}

export interface MomentDetails {
  messageReceived: OfMessage & { event: EventKind };
  messageStored: OfMessage;
  duplicateDropped: OfMessage;
  messageQuarantined: OfMessage & { reason: QuarantineReason };
  statusStored: OfMessage & { status: string; sendId: string | null; code: number | null };
  webhookAnswered: { httpStatus: number; bytes: number; tookMs: number };
  businessReceived: OfBusiness & { tenantId: string };
  businessStored: OfBusiness & ConversationRef & { position: number; tookMs: number };
  businessDuplicate: OfBusiness & ConversationRef & { position: number };
  woken: ConversationRef & { dueAtMs: number };
  timerFired: ConversationRef;
  turnTaken: OfTurn & { events: TakenEvent[] };
  turnCommitted: OfTurn & {
    state: string;
    events: TakenEvent[];
    sends: { sendId: string; origin: SendOrigin; through: number }[];
    activities: { activityId: string; activity: string }[];
    cancelled: string[];
    timers: number;
    deadLetters: number;
    endedThrough: number | null;
    tookMs: number;
  };
  fenceRefused: OfTurn;
  limitRefused: OfTurn & { activityId: string; limit: string };
  flagged: OfTurn & { reason: FlagReason; through: number | null };
  fallbackQueued: OfTurn & { sendId: string };
  handedOff: OfTurn;
  activityStarted: OfActivity & { activity: string; turn: number; restarts: number };
  activityRetried: OfActivity & { attempt: number; code: string; waitMs: number };
  activityEnded: OfActivity & {
    activity: string;
    outcome: 'done' | 'failed' | 'deadline' | 'cancelled' | 'late';
    code: string | null;
    tookMs: number;
  };
  modelAsked: { tenantId: string; activityId: string; attempt: number };
  modelAnswered: {
    tenantId: string;
    activityId: string;
    attempt: number;
    outcome: 'answered' | 'failed' | 'aborted';
    code: string | null;
    model: string | null;
    inputTokens: number;
    outputTokens: number;
    tookMs: number;
  };
  sendWaiting: OfSend & { scope: PaceScope; untilMs: number; paused: boolean };
  sendBlocked: OfSend;
  sendWithdrawn: OfSend;
  sendMarked: OfSend & { attempt: number };
  attemptEnded: OfSend & {
    attempt: number;
    outcome: 'accepted' | 'refused' | 'retryLater' | 'uncertain' | 'lateWrite';
    wamid: string | null;
    code: number | null;
    why: string | null;
    tookMs: number;
  };
  uncertainResolved: {
    tenantId: string | null;
    sendId: string;
    how: 'proven' | 'resent' | 'held' | 'dropped';
  };
  takenOver: ConversationRef;
  handedBack: ConversationRef;
  operatorReplied: ConversationRef & { sendIds: string[] };
  momentsLost: { count: number };
}

export type MomentKind = keyof MomentDetails;
export type Moment = { [K in MomentKind]: { kind: K } & MomentDetails[K] }[MomentKind];

/** A moment as it is told, with the time of the world in which it was. */
export type ToldMoment = Moment & { atMs: number };

export interface Observer {
  /** Neither throws nor waits: what cannot be told at once is lost and counted. */
  observe(moment: Moment): void;
}

type Words = { [K in MomentKind]: { when: string; fields: { [F in keyof MomentDetails[K]]: string } } };

const ofConversation = { tenantId: 'the tenant', conversationId: 'the conversation' } as const;
const ofTurn = { ...ofConversation, turn: 'its number, which is its fence' } as const;
const ofActivity = { ...ofConversation, activityId: 'the activity' } as const;
const ofSend = { ...ofConversation, sendId: 'the send' } as const;
const ofMessage = { wamid: 'the message', phoneNumberId: 'the number of ours' } as const;
const ofBusiness = { door: '`events` or `stripe`', name: 'the name of the event' } as const;
const tookMs = 'how long it took';
const events = '`{ position, event, wamid, activityId }` of each event';

/** When each is told, and what its fields say. */
export const moments: Readonly<Words> = {
  messageReceived: {
    when: 'A message was read from a signed webhook body; nothing is stored yet.',
    fields: { ...ofMessage, event: 'the kind of its event' },
  },
  messageStored: {
    when: 'The commit that stored it is durable; now 200 may be answered.',
    fields: ofMessage,
  },
  duplicateDropped: { when: 'It had been stored before; nothing was changed.', fields: ofMessage },
  messageQuarantined: {
    when: 'It belongs to no mailbox and is kept for a person.',
    fields: { ...ofMessage, reason: 'why' },
  },
  statusStored: {
    when: 'A delivery status is stored.',
    fields: {
      ...ofMessage,
      status: '`sent`, `delivered`, `read`, `played` or `failed`',
      sendId: 'the id that the status carries, or null',
      code: 'of its error, or null',
    },
  },
  webhookAnswered: {
    when: 'A webhook request was answered.',
    fields: { httpStatus: '200, 401, 413 or 503', bytes: 'size of the body', tookMs },
  },
  businessReceived: {
    when: 'An event of the business was read from a request that may tell it; nothing is stored yet.',
    fields: { ...ofBusiness, tenantId: 'the tenant' },
  },
  businessStored: {
    when: 'The commit that stored it is durable; now 202 may be answered.',
    fields: {
      ...ofBusiness,
      ...ofConversation,
      position: 'its place in the mailbox, by which a turn takes it',
      tookMs: 'from reading it to its commit',
    },
  },
  businessDuplicate: {
    when: 'It had been stored before, by the same idempotency key; nothing was changed.',
    fields: { ...ofBusiness, ...ofConversation, position: 'its place in the mailbox' },
  },
  woken: {
    when: 'A wake announced a conversation.',
    fields: { ...ofConversation, dueAtMs: 'when it has something to do' },
  },
  timerFired: { when: 'A timer of a dialog became an event.', fields: ofConversation },
  turnTaken: {
    when: 'A turn has the conversation under its lease and fence.',
    fields: { ...ofTurn, events },
  },
  turnCommitted: {
    when: 'A turn was committed.',
    fields: {
      ...ofTurn,
      state: 'dialog and state after it',
      events,
      sends: '`{ sendId, origin, through }`: what it queued, and the position through which that answers',
      activities: '`{ activityId, activity }` of each that it started',
      cancelled: 'activities that lost their effect',
      timers: 'how many it set',
      deadLetters: 'how many events made the dialog throw',
      endedThrough: 'position through which everything has its answer or its person now, or null',
      tookMs,
    },
  },
  fenceRefused: { when: 'A commit was refused: another turn has the conversation.', fields: ofTurn },
  limitRefused: {
    when: 'A limit refused an activity; the turn is run again without it.',
    fields: { ...ofTurn, activityId: 'the activity', limit: 'the limit' },
  },
  flagged: {
    when: 'A turn asked for a person.',
    fields: { ...ofTurn, reason: 'why', through: 'position through which the person answers, or null' },
  },
  fallbackQueued: { when: 'A turn queued the fallback text.', fields: { ...ofTurn, sendId: 'the send' } },
  handedOff: { when: 'A turn gave the conversation to an operator.', fields: ofTurn },
  activityStarted: {
    when: 'An activity has its slot.',
    fields: {
      ...ofActivity,
      activity: 'its name',
      turn: 'the turn that started it',
      restarts: 'how often a crash interrupted it',
    },
  },
  activityRetried: {
    when: 'An attempt failed and another one follows.',
    fields: { ...ofActivity, attempt: 'the one that failed', code: 'why', waitMs: 'until the next' },
  },
  activityEnded: {
    when: 'Its end is stored; `cancelled` is told without one.',
    fields: {
      ...ofActivity,
      activity: 'its name',
      outcome: '`done`, `failed`, `deadline`, `cancelled` or `late`',
      code: 'why it failed, or null',
      tookMs,
    },
  },
  modelAsked: {
    when: 'A model is asked.',
    fields: { tenantId: 'the tenant', activityId: 'the activity', attempt: 'from 1 on, in this process' },
  },
  modelAnswered: {
    when: 'The model has answered, failed, or was cut off.',
    fields: {
      tenantId: 'the tenant',
      activityId: 'the activity',
      attempt: 'as asked',
      outcome: '`answered`, `failed` or `aborted`',
      code: 'why it failed, or null',
      model: 'which one, or null where none answered',
      inputTokens: 'tokens in',
      outputTokens: 'tokens out',
      tookMs,
    },
  },
  sendWaiting: {
    when: 'A send waits for its pace.',
    fields: {
      ...ofSend,
      scope: '`number`, `pair`, `waba` or `tenant`',
      untilMs: 'when it is asked for again',
      paused: 'whether a person must mend something first',
    },
  },
  sendBlocked: { when: 'A send waits for the one before it in its lane.', fields: ofSend },
  sendWithdrawn: { when: 'A send may not leave any more, e.g. after its service window.', fields: ofSend },
  sendMarked: {
    when: 'It is marked `sending`, durably; now the socket may be written.',
    fields: { ...ofSend, attempt: 'from 1 on' },
  },
  attemptEnded: {
    when: 'What became of an attempt is known here; it is stored next.',
    fields: {
      ...ofSend,
      attempt: 'as marked',
      outcome: '`accepted`, `refused`, `retryLater`, `uncertain`, or `lateWrite` where nothing was written',
      wamid: 'where it was accepted, else null',
      code: 'of the Graph error, or null',
      why: 'what the answer means where it was not accepted, or null',
      tookMs,
    },
  },
  uncertainResolved: {
    when: 'It is decided what becomes of a send whose answer nobody has.',
    fields: {
      tenantId: 'the tenant, or null where only the send is known',
      sendId: 'the send',
      how: '`proven` by a delivery status, `resent`, `held` for a person, or `dropped`',
    },
  },
  takenOver: { when: 'An operator took the conversation.', fields: ofConversation },
  handedBack: { when: 'An operator gave the conversation back.', fields: ofConversation },
  operatorReplied: {
    when: 'An operator’s words are queued.',
    fields: { ...ofConversation, sendIds: 'the sends' },
  },
  momentsLost: {
    when: 'The reader did not keep up, so moments were left out.',
    fields: { count: 'how many' },
  },
};
