/**
 * What arrives. A webhook body is parsed into inbound items; an item that belongs to a conversation becomes an
 * event in its mailbox, beside the events of our own making (timers, activity results, hand-backs) and those of the
 * business' own systems (a payment, a shipped order). Whether a kind of event wants an answer is decided by one total
 * table, here and nowhere else.
 * To add a kind: add it to `EventKind`, the compiler then names the tables that want a row.
 */

/** Kinds of messages a customer can send. */
export type MessageKind =
  | 'text'
  | 'image'
  | 'video'
  | 'audio'
  | 'voice'
  | 'document'
  | 'sticker'
  | 'location'
  | 'contacts'
  | 'reaction'
  | 'button'
  | 'listChoice'
  | 'templateButton'
  | 'waFlowReply'
  | 'callPermission'
  | 'order'
  | 'edit'
  | 'revoke'
  | 'system'
  | 'unsupported'
  | 'unknown';

/** Things that happen to a conversation without a customer's message. */
export type OtherKind =
  | 'echo'
  | 'standby'
  | 'business'
  | 'activityDone'
  | 'activityFailed'
  | 'timer'
  | 'takenOver'
  | 'handedBack';

export type EventKind = MessageKind | OtherKind;

/**
 * `answer`: the customer must get an answer or a person. `context`: kept for history, never starts a reply.
 * `internal`: ours, moves the dialog. `never`: stored and counted only.
 */
export type AnswerClass = 'answer' | 'context' | 'internal' | 'never';

export const answerClassOf: Readonly<Record<EventKind, AnswerClass>> = {
  text: 'answer',
  image: 'answer',
  video: 'answer',
  audio: 'answer',
  voice: 'answer',
  document: 'answer',
  sticker: 'answer',
  location: 'answer',
  contacts: 'answer',
  reaction: 'context',
  button: 'answer',
  listChoice: 'answer',
  templateButton: 'answer',
  waFlowReply: 'answer',
  callPermission: 'context',
  order: 'answer',
  edit: 'context',
  revoke: 'context',
  system: 'context',
  unsupported: 'answer',
  unknown: 'answer',
  echo: 'context',
  standby: 'never',
  business: 'internal',
  activityDone: 'internal',
  activityFailed: 'internal',
  timer: 'internal',
  takenOver: 'internal',
  handedBack: 'internal',
};

/** Whom a message came from. Since 2026 the phone may be absent and the business-scoped user id changes with it. */
export interface Sender {
  phone?: string;
  bsuid?: string;
  parentBsuid?: string;
  /** Without the leading `@` that some webhooks print. */
  username?: string;
  name?: string;
  /** Changes with the customer's device keys; present where the number has identity checks on. */
  identityKeyHash?: string;
}

/** A media message: the id can be fetched for 7 days, the url for 5 minutes and only with the number's token. */
export interface MediaRef {
  mediaId: string;
  mimeType: string;
  sha256?: string;
  url?: string;
  caption?: string;
  filename?: string;
  animated?: boolean;
}

/** What the message says, by kind. `unknown` and odd shapes carry only the raw JSON beside the event. */
export interface MessageContent {
  text?: string;
  media?: MediaRef;
  location?: { latitude: number; longitude: number; name?: string; address?: string; url?: string };
  contacts?: unknown[];
  /** A reaction without an emoji takes an earlier one back. */
  reaction?: { wamid: string; emoji?: string };
  choice?: { id: string; title: string; description?: string };
  waFlow?: { name?: string; response: unknown; token?: string; body?: string };
  callPermission?: { response: string; expiresAtMs?: number; source?: string };
  order?: {
    catalogId: string;
    text?: string;
    items: { productId: string; quantity: number; price: number; currency: string }[];
  };
  /** The message an edit or a revoke points at. */
  originalWamid?: string;
  /** What an edit now says; `kind` is the kind of the edited message. */
  edited?: { kind: MessageKind; content: MessageContent };
  system?: { type: string; body?: string; change?: AddressChange };
  unsupportedType?: string;
  errors?: ProviderError[];
  context?: {
    wamid?: string;
    from?: string;
    forwarded?: boolean;
    frequentlyForwarded?: boolean;
    product?: { catalogId?: string; productId?: string };
  };
  referral?: Record<string, unknown>;
  /** Present where the number has identity checks on, and when the customer's identity changed. */
  identity?: { acknowledged?: boolean; createdAtMs?: number; hash?: string };
  /** Set for messages of a group; groups are stored and not answered unless a dialog asks for them. */
  groupId?: string;
  /** What an echo or a standby copy says is of this kind; its own kind only tells which way it came. */
  innerKind?: MessageKind;
  /** True where the business wrote it: an echo, or what another owner of the conversation sent. */
  fromBusiness?: boolean;
}

/** A customer changed phone or got another business-scoped id; the old address leads to the same contact. */
export interface AddressChange {
  oldPhone?: string;
  newPhone?: string;
  oldBsuid?: string;
  newBsuid?: string;
  oldParentBsuid?: string;
  newParentBsuid?: string;
}

/** An error as the provider words it, in the webhook and in answers. */
export interface ProviderError {
  code: number;
  title?: string;
  message?: string;
  details?: string;
  href?: string;
}

/** A customer's message (or the owner's echo, or a standby copy) parsed from a webhook body. */
export interface InboundMessage {
  type: 'message';
  wabaId: string;
  phoneNumberId: string;
  /** `echo` and `standby` come in fields of their own and tell their inner kind in the content. */
  kind: MessageKind | 'echo' | 'standby';
  wamid: string;
  /** The customer, also where the business wrote the message. */
  sender: Sender;
  sentAtMs: number;
  content: MessageContent;
  /** The message element as it came, as JSON text. */
  raw: string;
}

export type DeliveryStatus = 'sent' | 'delivered' | 'read' | 'played' | 'failed';

/** A delivery status of a message of ours. */
export interface InboundStatus {
  type: 'status';
  wabaId: string;
  phoneNumberId: string;
  wamid: string;
  status: DeliveryStatus;
  /** What we sent as `biz_opaque_callback_data`: our send id, or another app's data. */
  opaque?: string;
  atMs: number;
  /** Of a group's message, the participant that this status is about. */
  recipient: Sender;
  groupId?: string;
  errors?: ProviderError[];
  pricing?: { type?: string; category?: string; billable?: boolean; model?: string };
  /** Only in webhooks up to v23 and where an ad opened a free entry point. */
  conversation?: { id?: string; origin?: string; expiresAtMs?: number };
  raw: string;
}

/** Everything that is neither a message nor a delivery status of ours: it is stored and shown, never answered. */
export interface InboundNotice {
  type: 'notice';
  wabaId: string;
  phoneNumberId?: string;
  /**
   * The webhook's `field`, e.g. `account_update`, or `unknown`. Parts of a field have names of their own:
   * `value_errors`, `call_status`, `unknown_status`, `standby_status`.
   */
  field: string;
  /** What happened in the webhook's own word, e.g. `ACCOUNT_RESTRICTION`, `PAUSED`, `stop`, `control_passed`. */
  event?: string;
  /** The customer, where it is about one: marketing preferences, calls, hand-overs. */
  sender?: Sender;
  atMs: number;
  /** True where an operator should look: restrictions, violations, quality drops, bans. */
  alert: boolean;
  dedupeKey: string;
  /** The part that this notice is about, as JSON text. */
  raw: string;
}

export type InboundItem = InboundMessage | InboundStatus | InboundNotice;

/** An event as it stands in a mailbox. `position` orders the mailbox and has no gaps that matter. */
export interface MailboxEvent {
  position: number;
  kind: EventKind;
  wamid: string | null;
  sentAtMs: number;
  receivedAtMs: number;
  content: EventContent;
}

/** What a system of the business told, e.g. its shop: `name` is `payment.succeeded`, a machine gets `business.payment.succeeded`. */
export interface BusinessFact {
  name: string;
  data: unknown;
}

/** The content of an event that no message made. */
export interface InternalContent {
  business?: BusinessFact;
  activityId?: string;
  result?: unknown;
  fault?: { code: string; message: string };
  timerId?: string;
  timerToken?: string;
  transcript?: { role: 'customer' | 'operator' | 'bot'; text: string }[];
  /** Of a hand-back, when a turn takes it: ids of the activities that run by then. They began after it. */
  running?: readonly string[];
}

export type EventContent = MessageContent & InternalContent;

/** Kinds that always come with a field of their own. */
interface FieldOf {
  text: 'text';
  image: 'media';
  video: 'media';
  audio: 'media';
  voice: 'media';
  document: 'media';
  sticker: 'media';
  location: 'location';
  contacts: 'contacts';
  reaction: 'reaction';
  button: 'choice';
  listChoice: 'choice';
  templateButton: 'choice';
  waFlowReply: 'waFlow';
  callPermission: 'callPermission';
  order: 'order';
  system: 'system';
}
type OwnField = FieldOf[keyof FieldOf];

/** What an event of this kind carries: its own field, none of another kind's, and what may come with any. */
export type ContentOf<K extends EventKind> = K extends keyof FieldOf
  ? Omit<EventContent, OwnField> &
      Required<Pick<EventContent, FieldOf[K]>> & { [F in Exclude<OwnField, FieldOf[K]>]?: undefined }
  : EventContent;

/** How an event ended, for the audit: every acknowledged event gets exactly one. `awaiting` is not an end yet. */
export type EventEnd =
  | 'awaiting'
  | 'answered'
  | 'flagged'
  | 'deadLetter'
  | 'seenByOperator'
  | 'noAnswerNeeded';

/**
 * The dedupe key of a message: the same message on another number of ours is another message, and a standby copy must
 * not hide the message itself, which may come later. No id holds a line break, so no wamid looks like another's copy.
 */
export function messageKeyOf(message: InboundMessage): string {
  const key = `${message.phoneNumberId}:${message.wamid}`;
  return message.kind === 'standby' ? `${key}\nstandby` : key;
}

/** Why something that was signed is in no mailbox. `restored`: it waited when a backup was made, so only a person puts it in. */
export type QuarantineReason =
  | 'unknownNumber'
  | 'foreignNumber'
  | 'badData'
  | 'unreadable'
  | 'incomplete'
  | 'restored';
