/**
 * Everything that can happen to a conversation, as the checker tries it: each kind of message, a tap on each offered
 * option, each end of each running activity, each timer, each event of the business' own systems that the dialog names, a
 * hand-back, and the end of a batch. The events carry samples; what is really known of them stands in the facts.
 * A new kind of event is tried as soon as it is in `answerClassOf`; give it its sample and its fields here.
 */
import type { AnyEventObject, AnyStateNode } from 'xstate';
import { answerClassOf, type EventContent, type EventKind, type MessageKind } from '../../model/events.ts';
import type { TurnEnv } from '../dialog.ts';
import { anything, type Facts } from './known.ts';

export type HappeningKind =
  | 'message'
  | 'tap'
  | 'done'
  | 'failed'
  | 'timer'
  | 'business'
  | 'drained'
  | 'handedBack';

/** How an activity fails: by its own fault, by the deadline, by a limit, or with money that may be spent. */
export type FailureCode = 'failed' | 'deadline' | 'limitRefused' | 'uncertain' | 'otherwise';

export interface Happening {
  kind: HappeningKind;
  event: AnyEventObject;
  facts: Facts;
  /** As a line of the transcript. */
  words: string;
  /** A person must answer it, or the dialog. */
  wantsAnswer: boolean;
  /** Done by the customer: the next paid start is of another customer action. */
  byCustomer: boolean;
  messageKind?: MessageKind | 'echo';
  option?: string;
  invokeId?: string;
  failure?: FailureCode;
  timerId?: string;
}

const sampleNowMs = 1_780_000_000_000;

const env: TurnEnv = {
  nowMs: sampleNowMs,
  seed: 1,
  settings: {},
  language: null,
  transcribes: false,
  lastFallbackAtMs: null,
};

const sampleMedia = (mimeType: string) => ({ media: { mediaId: 'media-1', mimeType } });

interface Sample {
  words: string;
  content: EventContent;
}

/** Every kind of message with a sample of it; the compiler asks for those that are missing. */
const samples: Readonly<Record<MessageKind | 'echo', Sample>> = {
  text: { words: 'hello', content: { text: 'hello' } },
  image: { words: 'sends a photo', content: sampleMedia('image/jpeg') },
  video: { words: 'sends a video', content: sampleMedia('video/mp4') },
  audio: { words: 'sends an audio file', content: sampleMedia('audio/mpeg') },
  voice: { words: 'sends a voice note', content: sampleMedia('audio/ogg') },
  document: { words: 'sends a document', content: sampleMedia('application/pdf') },
  sticker: { words: 'sends a sticker', content: sampleMedia('image/webp') },
  location: {
    words: 'sends a location',
    content: { location: { latitude: 40.4, longitude: -3.7 } },
  },
  contacts: { words: 'sends a contact card', content: { contacts: [{}] } },
  reaction: { words: 'reacts with an emoji', content: { reaction: { wamid: 'wamid.1', emoji: '👍' } } },
  button: { words: 'taps a button', content: { choice: { id: 'some-option', title: 'some option' } } },
  listChoice: {
    words: 'chooses from a list',
    content: { choice: { id: 'some-option', title: 'some option' } },
  },
  templateButton: {
    words: 'taps a button of a template',
    content: { choice: { id: 'some-option', title: 'some option' } },
  },
  waFlowReply: { words: 'fills in a form', content: { waFlow: { response: {} } } },
  callPermission: { words: 'answers a call request', content: { callPermission: { response: 'accept' } } },
  order: { words: 'sends an order', content: { order: { catalogId: 'catalog-1', items: [] } } },
  edit: {
    words: 'edits a message',
    content: { originalWamid: 'wamid.1', edited: { kind: 'text', content: { text: 'hello' } } },
  },
  revoke: { words: 'deletes a message', content: { originalWamid: 'wamid.1' } },
  system: { words: 'has a new phone number', content: { system: { type: 'user_changed_number' } } },
  unsupported: { words: 'sends something that Meta does not pass on', content: { unsupportedType: 'poll' } },
  unknown: { words: 'sends something of an unknown kind', content: {} },
  echo: { words: 'gets a message that the owner wrote on their phone', content: { text: 'hello' } },
};

/** Fields that tell kinds apart: one that is not in the sample of a kind never comes with it. */
const tellingFields = [
  ...['media', 'location', 'contacts', 'reaction', 'choice', 'waFlow', 'callPermission', 'order'],
  ...['originalWamid', 'edited', 'system', 'unsupportedType', 'activityId', 'result', 'fault', 'timerId'],
  ...['timerToken', 'transcript', 'business', 'output', 'error', 'data'],
] as const;
const kindsWithText: readonly string[] = [
  'text',
  'echo',
  'unknown',
  'waFlowReply',
  'templateButton',
  'order',
];

function absentIn(kind: MessageKind | 'echo', content: EventContent): Facts['absent'] {
  if (kind === 'unknown' || kind === 'echo') return new Set(['output', 'error', 'data']);
  const absent = tellingFields.filter((field) => !(field in content));
  return new Set([...absent, ...(kindsWithText.includes(kind) ? [] : ['text'])]);
}

const own = (is: Facts['is']): Facts => ({
  is,
  absent: new Set(tellingFields.filter((each) => !(each in is))),
});
const envelope = { position: 1, wamid: 'wamid.1', sentAtMs: sampleNowMs, env };

function message(kind: MessageKind | 'echo'): Happening {
  const { words, content } = samples[kind];
  const known = Object.fromEntries(Object.keys(content).map((field) => [field, anything]));
  return {
    kind: 'message',
    messageKind: kind,
    event: { type: kind, ...content, ...envelope },
    facts: { is: { type: kind, ...known }, absent: absentIn(kind, content) },
    words: kind === 'text' ? `Customer: ${words}` : `Customer ${words}`,
    wantsAnswer: answerClassOf[kind] === 'answer',
    byCustomer: kind !== 'echo' && kind !== 'system',
  };
}

const kinds = (Object.keys(samples) as (keyof typeof samples)[]).filter(
  (kind) => answerClassOf[kind as EventKind] !== 'never',
);

/** Every kind of message, whatever the dialog stands at. */
export const messages: readonly Happening[] = kinds.map(message);

/** An option that nobody offered, e.g. of an older version: what such a tap does is what "not handled" looks like. */
export const foreignOption = 'an older button';

/** A tap on an option that stands on the customer's screen. */
export function tapOn(option: string): Happening[] {
  return (['button', 'listChoice'] as const).map((kind) => ({
    kind: 'tap',
    messageKind: kind,
    option,
    event: { type: kind, choice: { id: option, title: option }, ...envelope },
    facts: {
      is: { type: kind, choice: { id: option, title: anything } },
      absent: absentIn(kind, { choice: { id: option, title: option } }),
    },
    words: `Customer taps [${option}]`,
    wantsAnswer: true,
    byCustomer: true,
  }));
}

export function doneOf(invokeId: string, name: string): Happening {
  const type = `xstate.done.actor.${invokeId}`;
  return {
    kind: 'done',
    invokeId,
    event: { type, output: undefined, actorId: invokeId, env },
    facts: own({ type, output: anything, actorId: invokeId }),
    words: `(${name} is done)`,
    wantsAnswer: false,
    byCustomer: false,
  };
}

const failureWords: Readonly<Record<FailureCode, string>> = {
  failed: 'fails',
  deadline: 'runs into its deadline',
  limitRefused: 'is refused by a limit',
  uncertain: 'ends and nobody knows whether it was paid',
  otherwise: 'fails with a code of its own',
};

/** `failed` has a code that no guard names; `otherwise` has any. */
export function failureOf(invokeId: string, name: string, failure: FailureCode): Happening {
  const type = `xstate.error.actor.${invokeId}`;
  const error = { code: failure === 'failed' ? 'failed' : failure, message: 'sample' };
  const code = failure === 'otherwise' ? anything : failure === 'failed' ? 'a fault of its own' : failure;
  return {
    kind: 'failed',
    invokeId,
    failure,
    event: { type, error, actorId: invokeId, env },
    facts: own({ type, error: { code, message: anything }, actorId: invokeId }),
    words: `(${name} ${failureWords[failure]})`,
    wantsAnswer: false,
    byCustomer: false,
  };
}

export function timerOf(timerId: string, event: AnyEventObject, delayMs: number): Happening {
  return {
    kind: 'timer',
    timerId,
    event: { ...event, env },
    facts: own({ type: event.type }),
    words: `(${durationOf(delayMs)} pass)`,
    wantsAnswer: false,
    byCustomer: false,
  };
}

export function businessEvent(type: string): Happening {
  return {
    kind: 'business',
    event: { type, data: {}, ...envelope },
    facts: own({ type, data: anything }),
    words: `(the business reports ${type.replace('business.', '')})`,
    wantsAnswer: false,
    byCustomer: false,
  };
}

export const drained: Happening = {
  kind: 'drained',
  event: { type: 'mailboxDrained', env },
  facts: own({ type: 'mailboxDrained' }),
  words: '(nothing more waits)',
  wantsAnswer: false,
  byCustomer: false,
};

/** A tap on a button of an earlier question, for machines that explain it themselves. */
export const staleTap: Happening = {
  kind: 'tap',
  event: { type: 'staleTap', choice: { id: 'of-before', title: 'of before' }, ...envelope },
  facts: own({ type: 'staleTap', choice: anything }),
  words: 'Customer taps a button of an earlier question',
  wantsAnswer: true,
  byCustomer: true,
};

export const handedBack: Happening = {
  kind: 'handedBack',
  event: { type: 'handedBack', transcript: [], ...envelope },
  facts: own({ type: 'handedBack', transcript: anything }),
  words: '(a person took over and hands the conversation back)',
  wantsAnswer: false,
  byCustomer: false,
};

/** The events of the business that a dialog has transitions for; a pattern stands for one of its kind. */
export function businessEventsOf(nodes: readonly AnyStateNode[]): Happening[] {
  const named = nodes.flatMap((node) => [...node.transitions.keys()]);
  const types = named
    .filter((each) => each.startsWith('business.'))
    .map((each) => each.replace(/\.\*$/, '.anything'));
  return [...new Set(types)].map(businessEvent);
}

/** What can come from outside, by the names that a machine knows it by. */
export function isKnownEvent(descriptor: string): boolean {
  const known = [...kinds, 'mailboxDrained', 'handedBack', 'takenOver', 'staleTap', '*'];
  return known.includes(descriptor) || descriptor.startsWith('business.') || descriptor.startsWith('xstate.');
}

export function durationOf(ms: number): string {
  const units: [number, string][] = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1_000, 'second'],
  ];
  const [unitMs, unit] = units.find(([each]) => ms >= each && ms % each === 0) ?? [1, 'millisecond'];
  const count = ms / unitMs;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
