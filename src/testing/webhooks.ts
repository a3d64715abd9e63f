/**
 * Builders for what Meta would deliver, for tests of a bot and of the runtime itself:
 *
 *     const { body, headers } = webhook.signed(webhook.body([webhook.text({ text: 'Hello' })]), 'app-secret');
 *
 * Every builder has a default for everything, and takes `extra` for fields it does not know. Nothing here looks at a
 * clock: times are fixed unless `createWebhooks` is given one, and wamids are counted.
 * To add a type, add its builder to `messageBuilders`, `choiceBuilders` (answers) or `otherBuilders`.
 */
import type { DeliveryStatus, ProviderError, Sender } from '#core/model/events.ts';
import { type SignedWebhook, signedWebhook, type WebhookItem, webhookBody } from './webhooks-envelope.ts';

export {
  metaJson,
  type SignedWebhook,
  signedWebhook,
  type WebhookItem,
  webhookBody,
} from './webhooks-envelope.ts';

type Json = Record<string, unknown>;

/** Where webhooks come from unless an item says otherwise. */
export interface WebhookDefaults {
  wabaId?: string;
  phoneNumberId?: string;
  displayPhoneNumber?: string;
  /** The customer. Given as a whole: `{ bsuid }` is a customer whose phone is hidden. */
  from?: Sender;
  /** The time that messages carry; without it a fixed one. */
  nowMs?: () => number;
}

export interface MessageOptions {
  from?: Sender;
  wamid?: string;
  sentAtMs?: number;
  /** The wamid of the message that this one answers. */
  repliesTo?: string;
  groupId?: string;
  wabaId?: string;
  phoneNumberId?: string;
  displayPhoneNumber?: string;
  /** Goes into the message element as it is, over everything else. */
  extra?: Json;
}

export interface MediaOptions extends MessageOptions {
  mediaId?: string;
  mimeType?: string;
  caption?: string;
  filename?: string;
  sha256?: string;
  url?: string;
  animated?: boolean;
}

export interface StatusOptions {
  wamid: string;
  status?: DeliveryStatus;
  /** The send id, as it travelled in `biz_opaque_callback_data`. */
  opaque?: string;
  to?: Sender;
  groupId?: string;
  atMs?: number;
  errors?: ProviderError[];
  pricing?: Json;
  wabaId?: string;
  phoneNumberId?: string;
  displayPhoneNumber?: string;
  extra?: Json;
}

export interface NoticeOptions {
  field: string;
  value: Json;
  atMs?: number;
  wabaId?: string;
}

/** Turns the parts of a message into an item; what each builder ends with. */
type Deliver = (type: string, part: Json, options: MessageOptions) => WebhookItem;

interface Source {
  defaults: Required<WebhookDefaults>;
  nextWamid: () => string;
}

const fixedNowMs = 1_790_000_000_000;

/** A set of builders with defaults of its own, and wamids that count from one. */
export function createWebhooks(defaults: WebhookDefaults = {}) {
  let count = 0;
  const source: Source = {
    defaults: {
      wabaId: '410000000000001',
      phoneNumberId: '880000000000001',
      displayPhoneNumber: '15550100001',
      from: { phone: '15550102000', bsuid: 'US.5550102000', name: 'Robin Vale' },
      nowMs: () => fixedNowMs,
      ...defaults,
    },
    nextWamid: () => `wamid.test${String(++count).padStart(6, '0')}`,
  };
  const deliver: Deliver = (type, part, options) => messageItem(source, type, part, options);
  return {
    ...messageBuilders(deliver),
    ...choiceBuilders(deliver),
    ...otherBuilders(source),
    /** One delivery with all of `items`. */
    body: (items: readonly WebhookItem[]): string => webhookBody(items),
    /** `body` with the headers of a delivery for the app with this secret. */
    signed: (body: string, secret: string): SignedWebhook => signedWebhook(body, secret),
  };
}

export type Webhooks = ReturnType<typeof createWebhooks>;

/** The builders with the defaults as they are. */
export const webhook: Webhooks = createWebhooks();

function messageBuilders(deliver: Deliver) {
  const media = (type: string, mimeType: string, more: Json = {}) => {
    return (options: MediaOptions = {}) =>
      deliver(type, { [type]: { ...mediaPart(options, mimeType), ...more } }, options);
  };
  return {
    text: (options: MessageOptions & { text?: string } = {}) =>
      deliver('text', { text: { body: options.text ?? 'Hello' } }, options),
    image: media('image', 'image/jpeg'),
    video: media('video', 'video/mp4'),
    audio: media('audio', 'audio/mpeg', { voice: false }),
    /** A recording. */
    voice: media('audio', 'audio/ogg; codecs=opus', { voice: true }),
    document: media('document', 'application/pdf'),
    sticker: media('sticker', 'image/webp'),
    location: (options: MessageOptions & { latitude: number; longitude: number; name?: string }) =>
      deliver('location', { location: pick(options, ['latitude', 'longitude', 'name']) }, options),
    contacts: (options: MessageOptions & { contacts: Json[] }) =>
      deliver('contacts', { contacts: options.contacts }, options),
    /** Without an emoji, an earlier reaction is taken back. */
    reaction: (options: MessageOptions & { to: string; emoji?: string }) =>
      deliver('reaction', { reaction: { message_id: options.to, ...pick(options, ['emoji']) } }, options),
    order: (options: MessageOptions & { catalogId: string; items: Json[]; text?: string }) =>
      deliver(
        'order',
        {
          order: { catalog_id: options.catalogId, product_items: options.items, ...pick(options, ['text']) },
        },
        options,
      ),
    edit: (options: MessageOptions & { original: string; text: string }) =>
      deliver(
        'edit',
        { edit: { original_message_id: options.original, message: textMessage(options.text) } },
        options,
      ),
    revoke: (options: MessageOptions & { original: string }) =>
      deliver('revoke', { revoke: { original_message_id: options.original } }, options),
    unsupported: (options: MessageOptions & { subtype?: string } = {}) =>
      deliver('unsupported', unsupportedPart(options.subtype ?? 'poll_creation'), options),
    /** A type that nobody knows yet. */
    unknown: (options: MessageOptions & { messageType?: string } = {}) =>
      deliver(options.messageType ?? 'type_of_tomorrow', {}, options),
  };
}

/** What comes back from buttons, lists, forms and requests of ours. */
function choiceBuilders(deliver: Deliver) {
  const interactive = (type: string, part: Json, options: MessageOptions) =>
    deliver('interactive', { interactive: { type, [type]: part } }, options);
  return {
    /** A tap on a reply button of ours. */
    button: (options: MessageOptions & { id: string; title?: string }) =>
      interactive('button_reply', { id: options.id, title: options.title ?? options.id }, options),
    /** A choice from a list of ours. */
    list: (options: MessageOptions & { id: string; title?: string; description?: string }) =>
      interactive(
        'list_reply',
        { id: options.id, title: options.title ?? options.id, ...pick(options, ['description']) },
        options,
      ),
    /** A tap on a quick reply of a template. */
    templateButton: (options: MessageOptions & { payload: string; text?: string }) =>
      deliver(
        'button',
        { button: { payload: options.payload, text: options.text ?? options.payload } },
        options,
      ),
    /** A form that was filled in. `response` travels as JSON text. */
    waFlowReply: (options: MessageOptions & { response: Json; name?: string }) =>
      interactive(
        'nfm_reply',
        { name: options.name ?? 'flow', body: 'Sent', response_json: JSON.stringify(options.response) },
        options,
      ),
    callPermission: (options: MessageOptions & { response?: 'accept' | 'reject' } = {}) =>
      interactive('call_permission_reply', { response: options.response ?? 'accept' }, options),
  };
}

function otherBuilders(source: Source) {
  return {
    status: (options: StatusOptions): WebhookItem => statusItem(source, options),
    /** The customer's phone, business-scoped id, or both, are new. */
    changedAddress: (options: MessageOptions & { phone?: string; bsuid?: string }): WebhookItem =>
      changedAddressItem(source, options),
    /** What a person wrote to `from` in the Business app. */
    echo: (options: MessageOptions & { text?: string } = {}): WebhookItem => echoItem(source, options),
    /** A customer's text that came while another owner held the conversation. */
    standby: (options: MessageOptions & { text?: string } = {}): WebhookItem => ({
      ...messageItem(source, 'text', { text: { body: options.text ?? 'Hello' } }, options),
      field: 'standby',
    }),
    /** Errors of a whole value: they concern the number. */
    valueError: (options: { code: number; title?: string }): WebhookItem => ({
      ...placeOf(source, {}),
      field: 'messages',
      list: 'errors',
      element: { code: options.code, title: options.title ?? 'Error' },
    }),
    /** Any other field, with its value as Meta prints it. */
    notice: (options: NoticeOptions): WebhookItem => ({
      wabaId: options.wabaId ?? source.defaults.wabaId,
      field: options.field,
      element: options.value,
      entryTimeS: secondsOf(options.atMs ?? source.defaults.nowMs()),
    }),
  };
}

function messageItem(source: Source, type: string, part: Json, options: MessageOptions): WebhookItem {
  const from = options.from ?? source.defaults.from;
  const context = options.repliesTo === undefined ? undefined : { id: options.repliesTo };
  const element = defined({
    from: from.phone,
    from_user_id: from.bsuid,
    from_parent_user_id: from.parentBsuid,
    group_id: options.groupId,
    ...common(source, options),
    context,
    type,
    ...part,
    ...options.extra,
  });
  const contact = contactElement(from);
  return { ...placeOf(source, options), field: 'messages', list: 'messages', element, contact };
}

function statusItem(source: Source, options: StatusOptions): WebhookItem {
  const to = options.to ?? source.defaults.from;
  const inGroup = options.groupId !== undefined;
  const status = options.status ?? 'delivered';
  const element = defined({
    id: options.wamid,
    status,
    timestamp: String(secondsOf(options.atMs ?? source.defaults.nowMs())),
    recipient_id: options.groupId ?? to.phone,
    recipient_type: inGroup ? 'group' : undefined,
    recipient_participant_id: inGroup ? to.phone : undefined,
    recipient_participant_user_id: inGroup ? to.bsuid : undefined,
    recipient_user_id: inGroup || (status === 'failed' && to.phone !== undefined) ? undefined : to.bsuid,
    biz_opaque_callback_data: options.opaque,
    pricing: options.pricing,
    errors: options.errors?.map((error) =>
      defined({
        code: error.code,
        title: error.title,
        message: error.message ?? error.title,
        error_data: error.details === undefined ? undefined : { details: error.details },
      }),
    ),
    ...options.extra,
  });
  const item: WebhookItem = { ...placeOf(source, options), field: 'messages', list: 'statuses', element };
  return status === 'failed' ? item : { ...item, contact: contactElement(to) };
}

/** System messages come without contacts. */
function changedAddressItem(
  source: Source,
  options: MessageOptions & { phone?: string; bsuid?: string },
): WebhookItem {
  const from = options.from ?? source.defaults.from;
  const system = defined({
    body: 'The customer has another address.',
    wa_id: options.phone,
    user_id: options.bsuid,
    previous_user_id: options.bsuid === undefined ? undefined : from.bsuid,
    type: options.phone === undefined ? 'user_changed_user_id' : 'user_changed_number',
  });
  const { contact: _none, ...item } = messageItem(source, 'system', { system }, options);
  return item;
}

function echoItem(source: Source, options: MessageOptions & { text?: string }): WebhookItem {
  const customer = options.from ?? source.defaults.from;
  const element = defined({
    from: options.displayPhoneNumber ?? source.defaults.displayPhoneNumber,
    to: customer.phone,
    to_user_id: customer.bsuid,
    ...common(source, options),
    ...textMessage(options.text ?? 'I will look at it myself.'),
    ...options.extra,
  });
  return { ...placeOf(source, options), field: 'smb_message_echoes', list: 'message_echoes', element };
}

function common(source: Source, options: MessageOptions): Json {
  const sentAtMs = options.sentAtMs ?? source.defaults.nowMs();
  return { id: options.wamid ?? source.nextWamid(), timestamp: String(secondsOf(sentAtMs)) };
}

function placeOf(
  source: Source,
  options: { wabaId?: string; phoneNumberId?: string; displayPhoneNumber?: string },
): { wabaId: string; number: NonNullable<WebhookItem['number']> } {
  return {
    wabaId: options.wabaId ?? source.defaults.wabaId,
    number: {
      phoneNumberId: options.phoneNumberId ?? source.defaults.phoneNumberId,
      displayPhoneNumber: options.displayPhoneNumber ?? source.defaults.displayPhoneNumber,
    },
  };
}

function contactElement(sender: Sender): Json {
  return defined({
    profile: defined({ name: sender.name, username: sender.username }),
    wa_id: sender.phone,
    user_id: sender.bsuid,
    parent_user_id: sender.parentBsuid,
  });
}

function mediaPart(options: MediaOptions, mimeType: string): Json {
  const id = options.mediaId ?? '900000000000001';
  return {
    id,
    mime_type: options.mimeType ?? mimeType,
    sha256: options.sha256 ?? 'dGVzdA==',
    url: options.url ?? `https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=${id}`,
    ...pick(options, ['caption', 'filename', 'animated']),
  };
}

function unsupportedPart(subtype: string): Json {
  const title = 'Message type unknown';
  return { unsupported: { type: subtype }, errors: [{ code: 131051, title, message: title }] };
}

function textMessage(text: string): Json {
  return { type: 'text', text: { body: text } };
}

/** Meta leaves a field out where it has no value. */
function defined(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function pick<T extends object>(options: T, keys: readonly (keyof T & string)[]): Json {
  return defined(Object.fromEntries(keys.map((key) => [key, options[key]])));
}

function secondsOf(ms: number): number {
  return Math.floor(ms / 1_000);
}
