/**
 * What the customer says, on its way to the simulator. Each message gets its id here, so that sending it again says it
 * once; what has no connection waits and goes when there is one.
 */
import { simulatedNowMs } from './clock.ts';
import { type Place, Refused, say } from './control.ts';
import { type Conversation, conversationAt } from './conversations.ts';
import { gathered } from './gathered.ts';
import { type Message, withChange, withMessage } from './history.ts';
import { connection } from './live.ts';

const againMs = 1_000;

/** What is said, in the words of the control API. */
export type Said = { readonly type: string } & Readonly<Record<string, unknown>>;

interface Waiting {
  readonly conversation: Conversation;
  readonly wamid: string;
  readonly said: Said;
}

/** What waits in each conversation, in order. */
const lines = new Map<string, Waiting[]>();
const underWay = new Set<string>();
const refused = new Map<string, Waiting>();

function newWamid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(30));
  return `wamid.${btoa(String.fromCharCode(...bytes))}`;
}

const textOf = (said: Said): string | null =>
  [said.text, said.title, said.caption, said.emoji].find((each) => typeof each === 'string') ?? null;

/** How the message looks until the simulator tells of it. */
function shapeOf(said: Said): { type: string; body: unknown } {
  const { type } = said;
  if (type === 'text') return { type, body: { body: said.text } };
  if (type === 'reaction') return { type, body: { message_id: said.messageId, emoji: said.emoji } };
  if (type === 'buttonReply' || type === 'listReply') return { type: 'interactive', body: {} };
  if (type === 'templateButton') return { type: 'button', body: { text: said.text } };
  return { type, body: said };
}

function pendingMessage(wamid: string, said: Said): Message {
  return {
    wamid,
    direction: 'in',
    atMs: simulatedNowMs(),
    ...shapeOf(said),
    text: textOf(said),
    replyTo: typeof said.replyTo === 'string' ? said.replyTo : null,
    opaque: null,
    forwarded: said.forwarded === true || said.frequentlyForwarded === true,
    // The simulator fills in what an ad says.
    referral: said.referral ? {} : null,
    status: 'sent',
    errorCode: null,
    acknowledgedAtMs: null,
    readAtMs: null,
    pending: 'sending',
  };
}

function mark(
  conversation: Conversation,
  wamid: string,
  pending: 'sending' | 'refused',
  problem?: string,
): void {
  conversation.messages.value = withChange(
    conversation.messages.value,
    wamid,
    ({ problem: _, ...message }) =>
      message.pending ? { ...message, pending, ...(problem === undefined ? {} : { problem }) } : message,
  );
}

/** One after the other, as a phone sends: a burst stays in order. */
async function deliverLine(key: string): Promise<void> {
  const line = lines.get(key);
  if (line === undefined || underWay.has(key)) return;
  underWay.add(key);
  try {
    for (let going = line[0]; going !== undefined; going = line[0]) {
      await deliver(going);
      line.shift();
    }
    lines.delete(key);
  } catch {
    deliverLater();
  } finally {
    underWay.delete(key);
  }
}

/** Throws when nobody answered. */
async function deliver(going: Waiting): Promise<void> {
  const { conversation, wamid, said } = going;
  const { phoneNumberId, contactId } = conversation;
  try {
    await say({ ...said, phoneNumberId, contact: contactId, wamid });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refused.set(wamid, going);
    mark(conversation, wamid, 'refused', error.message);
  }
}

const deliverLater = gathered(async () => {
  await Promise.all([...lines.keys()].map(deliverLine));
}, againMs);

connection.subscribe((state) => {
  if (state === 'up') deliverLater();
});

function queue(going: Waiting): void {
  const { key } = going.conversation;
  const line = lines.get(key);
  if (line) line.push(going);
  else lines.set(key, [going]);
  void deliverLine(key);
}

/** Says it; the id under which it is known from now on. */
export function speak(place: Place, said: Said): string {
  const conversation = conversationAt(place);
  const wamid = newWamid();
  conversation.messages.value = withMessage(conversation.messages.value, pendingMessage(wamid, said));
  queue({ conversation, wamid, said });
  return wamid;
}

/** Tries again what the simulator refused. */
export function speakAgain(wamid: string): void {
  const going = refused.get(wamid);
  if (going === undefined) return;
  refused.delete(wamid);
  mark(going.conversation, wamid, 'sending');
  queue(going);
}
