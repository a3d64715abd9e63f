/**
 * Why a customer did not see what the story expected, in words: what she did see, what is on its way to her, what waits
 * where, and what the server last answered.
 */
import type { Chat, Contact, HistoryMessage, SimulatorEvent } from '#simulator/index.ts';
import type { StoryNumber } from './contact.ts';
import { describeMessage } from './sights.ts';
import type { Stage } from './stage.ts';

/** A story that went another way. The message tells how. */
export class NotSeen extends Error {
  override readonly name = 'NotSeen';
}

export interface WhyNot {
  stage: Stage;
  name: string;
  number: StoryNumber;
  chat: Chat;
  what: string;
  withinMs: number;
  seen: ReadonlySet<string>;
  isVisible: (message: HistoryMessage, contact: Contact) => boolean;
}

const messagesShown = 6;
const eventsRead = 10_000;

const timeOf = (atMs: number): string => new Date(atMs).toISOString().slice(11, 23);

const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

export async function whyNot(why: WhyNot): Promise<string> {
  const { stage, name, number, what, withinMs } = why;
  const time = stage.clock.isVirtual ? ' of virtual time' : '';
  const parts = [
    `${name} ${what}, within ${withinMs} ms${time} (${number.name}, now ${timeOf(stage.clock.nowMs())}).`,
    ...sightLines(why),
    ...(await waitingLines(stage)),
    ...(await serverLines(stage, number)),
    ...(await stage.notes()),
  ];
  return parts.join('\n');
}

function sightLines({ name, chat, seen, isVisible }: WhyNot): string[] {
  const outbound = chat.messages.filter(({ direction }) => direction === 'out');
  const visible = outbound.filter((message) => isVisible(message, chat.contact));
  const hidden = outbound.filter((message) => !isVisible(message, chat.contact)).slice(-messagesShown);
  const said = chat.messages.findLast(({ direction }) => direction === 'in');
  const lines = [
    said === undefined
      ? `${name} has not written to this number.`
      : `${name} last wrote ${describeMessage(said)} at ${timeOf(said.atMs)}, which the server has ${said.acknowledgedAtMs === null ? 'not acknowledged' : 'acknowledged'}.`,
    visible.length === 0 ? 'She has seen nothing of this number.' : 'What has reached her, newest last:',
    ...visible
      .slice(-messagesShown)
      .map(
        (message) =>
          `  ${timeOf(message.atMs)} ${describeMessage(message)}${seen.has(message.wamid) ? ' (seen before)' : ''}`,
      ),
  ];
  if (hidden.length === 0) return lines;
  const off = chat.contact.receipts === 'sent' ? ` Her phone is switched off (receipts: "sent").` : '';
  return [
    ...lines,
    `Accepted, but not on her phone:${off}`,
    ...hidden.map((message) => {
      const end = message.errorCode === null ? message.status : `failed with ${message.errorCode}`;
      return `  ${timeOf(message.atMs)} ${describeMessage(message)}: ${end}`;
    }),
  ];
}

async function waitingLines({ control }: Stage): Promise<string[]> {
  const { waiting, model } = await control.counters();
  const calls = model.running > 0 ? await control.modelCalls(100) : [];
  const running = calls.filter(({ end }) => end === null);
  const waits = [
    waiting.inFlight > 0 ? `${counted(waiting.inFlight, 'webhook')} unanswered` : '',
    waiting.retrying > 0 ? `${counted(waiting.retrying, 'webhook')} to be retried` : '',
    waiting.updates > 0 ? `${counted(waiting.updates, 'update')} kept back (batching or shuffling)` : '',
    model.running > 0
      ? `${counted(model.running, 'model call')} (${running.map(({ texts }) => `“${texts.join(' | ')}”`).join(', ')})`
      : '',
  ].filter((line) => line !== '');
  return [waits.length === 0 ? 'Nothing waits at the simulator.' : `Waiting: ${waits.join('; ')}.`];
}

type EventOf<K extends SimulatorEvent['kind']> = Extract<SimulatorEvent, { kind: K }>;
type Answer = EventOf<'webhookAnswered' | 'webhookFailed' | 'webhookDropped'>;
const answerKinds = [
  'webhookAnswered',
  'webhookFailed',
  'webhookDropped',
  'sendRefused',
  'answerLost',
] as const;

async function serverLines({ control }: Stage, number: StoryNumber): Promise<string[]> {
  const events = await control.log({ kinds: [...answerKinds], limit: eventsRead });
  const webhook = events.findLast((event): event is Answer => event.kind.startsWith('webhook'));
  const isOfNumber = (event: SimulatorEvent): boolean =>
    'phoneNumberId' in event && event.phoneNumberId === number.id;
  const refused = events.findLast(
    (event): event is EventOf<'sendRefused'> => event.kind === 'sendRefused' && isOfNumber(event),
  );
  const lost = events.findLast(
    (event): event is EventOf<'answerLost'> => event.kind === 'answerLost' && isOfNumber(event),
  );
  return [
    webhook === undefined ? 'The server has answered no webhook yet.' : answerLine(webhook),
    ...(refused === undefined
      ? []
      : [
          `A send was last refused at ${timeOf(refused.atMs)}: ${refused.code ?? `HTTP ${refused.httpStatus}`}, ${refused.reason}`,
        ]),
    ...(lost === undefined
      ? []
      : [`The answer to a send was last kept from the server at ${timeOf(lost.atMs)} (${lost.how}).`]),
  ];
}

function answerLine(event: Answer): string {
  const when = `at ${timeOf(event.atMs)}`;
  if (event.kind === 'webhookDropped') {
    const why =
      event.reason === 'noWebhookUrl'
        ? 'no webhook URL is set'
        : event.reason === 'notSubscribed'
          ? 'the WABA is not subscribed'
          : 'it was never answered 200';
    return `A webhook was dropped ${when}: ${why}.`;
  }
  const which = `${event.deliveryId}, attempt ${event.attempt}`;
  if (event.kind === 'webhookAnswered')
    return `The server last answered ${event.httpStatus} to a webhook ${when} (${which}).`;
  const answer = event.httpStatus === null ? 'gave no answer' : `answered ${event.httpStatus}`;
  const next =
    event.retryAtMs === null
      ? 'it will not be tried again'
      : `it is tried again at ${timeOf(event.retryAtMs)}`;
  return `The server last ${answer} to a webhook ${when} (${which}); ${next}.`;
}
