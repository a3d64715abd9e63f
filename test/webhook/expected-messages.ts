/** What each fixture of a customer's message must become. Shared parts are named once; the rest is spelled out. */
import type { InboundMessage, MessageContent, MessageKind, Sender } from '#core/model/events.ts';

export const receivedAtMs = 1_794_000_005_000;
export const place = { wabaId: '417700200300401', phoneNumberId: '880110220330440' };
export const noor: Sender = { phone: '15550111222', bsuid: 'US.70012345678900011', name: 'Noor Haddad' };
const noContact: Sender = { phone: '15550111222', bsuid: 'US.70012345678900011' };
const ours = { wamid: 'wamid.TkQtb3V0LTAwMDE=', from: '15550100200' };
const original = 'wamid.TkQtaW4tMDAwMA==';

export type ExpectedMessage = Omit<InboundMessage, 'raw'>;

export function message(
  kind: MessageKind | 'echo' | 'standby',
  content: MessageContent,
  over: Partial<ExpectedMessage> = {},
): ExpectedMessage {
  return {
    type: 'message',
    ...place,
    kind,
    wamid: 'wamid.TkQtaW4tMDAwMQ==',
    sender: noor,
    sentAtMs: 1_794_000_000_000,
    content,
    ...over,
  };
}

export function media(mimeType = 'image/jpeg', more: object = {}) {
  return {
    mediaId: '900100200300',
    mimeType,
    sha256: 'b2gtYS1oYXNo',
    url: 'https://media.example/900100200300',
    ...more,
  };
}

const unsupportedErrors = [
  {
    code: 131051,
    title: 'Message type unknown',
    message: 'Message type unknown',
    details: 'This type is not supported yet.',
  },
];

const texts: Record<string, ExpectedMessage[]> = {
  text: [message('text', { text: 'Is the blue mug back?' })],
  'text-before-2026': [
    message('text', { text: 'Is the blue mug back?' }, { sender: { phone: noor.phone!, name: noor.name! } }),
  ],
  'text-username-only': [
    message(
      'text',
      { text: 'Hi, it is me' },
      {
        sender: {
          bsuid: noor.bsuid!,
          parentBsuid: 'US.ENT.90000000000000001',
          username: 'noor.h',
          name: noor.name!,
        },
      },
    ),
  ],
  'text-reply': [message('text', { text: 'The second one, please', context: ours })],
  'text-forwarded': [message('text', { text: 'Have you seen this?', context: { forwarded: true } })],
  'text-frequently-forwarded': [
    message('text', { text: 'Have you seen this?', context: { frequentlyForwarded: true } }),
  ],
  'text-from-product': [
    message('text', {
      text: 'Do you still have it?',
      context: { ...ours, product: { catalogId: '55500011', productId: 'mug-blue' } },
    }),
  ],
  'text-referral': [
    message('text', {
      text: 'How much is it?',
      referral: {
        source_url: 'https://fb.me/example1',
        source_id: '1200000001',
        source_type: 'ad',
        body: 'Mugs that keep warm',
        headline: 'Ask us',
        media_type: 'image',
        image_url: 'https://cdn.example/ad.jpg',
        ctwa_clid: 'clid-0001',
        welcome_message: { text: 'What would you like to know?' },
      },
    }),
  ],
  'text-identity-check': [
    message(
      'text',
      {
        text: 'New phone, same me',
        identity: { acknowledged: false, createdAtMs: 1_793_990_000_000, hash: 'hash-0001' },
      },
      { sender: { ...noor, identityKeyHash: 'hash-0001' } },
    ),
  ],
  'text-unicode': [
    message(
      'text',
      { text: 'Grüße "50 %" <b>a/b</b> ñ 🙋🏽 \\u00e4 \u200f' },
      { sender: { ...noor, name: 'Zoë 🌵' } },
    ),
  ],
  'text-numbers-and-text-mixed': [message('text', { text: '42' })],
  'text-without-contacts': [message('text', { text: 'Anyone there?' }, { sender: noContact })],
  'text-contact-gives-the-address': [message('text', { text: 'Anyone there?' })],
  'text-contact-of-someone-else': [message('text', { text: 'Anyone there?' }, { sender: noContact })],
  'text-phone-written-in-two-ways': [
    message('text', { text: 'Oi' }, { sender: { phone: '5511955501234', name: 'Davi Lima' } }),
  ],
  'text-without-time': [message('text', { text: 'When?' }, { sentAtMs: receivedAtMs })],
  'text-in-milliseconds': [message('text', { text: 'When?' }, { sentAtMs: receivedAtMs })],
  'text-without-body': [message('unknown', {})],
  'dashboard-test': [
    message(
      'text',
      { text: 'sample message' },
      {
        wamid: 'ABExampleTest',
        sentAtMs: 1_500_000_000_000,
        sender: { phone: '15550177888', name: 'sample user' },
      },
    ),
  ],
  'group-text': [message('text', { text: 'Shall we order together?', groupId: 'Z3JvdXAtMDAwMQ' })],
};

const mediaMessages: Record<string, ExpectedMessage[]> = {
  image: [message('image', { media: media('image/jpeg', { caption: 'This crack here' }) })],
  'image-with-referral': [
    message('image', {
      media: media(),
      referral: {
        source_url: 'https://fb.me/example2',
        source_id: '1200000002',
        source_type: 'post',
        media_type: 'video',
        video_url: 'https://cdn.example/ad.mp4',
        thumbnail_url: 'https://cdn.example/ad.jpg',
      },
    }),
  ],
  video: [message('video', { media: media('video/mp4', { caption: 'It wobbles' }) })],
  'audio-file': [message('audio', { media: media('audio/mpeg') })],
  voice: [message('voice', { media: media('audio/ogg; codecs=opus') })],
  document: [
    message('document', {
      media: media('application/pdf', { caption: 'The invoice', filename: '../invoice 7.pdf' }),
    }),
  ],
  sticker: [message('sticker', { media: media('image/webp', { animated: true }) })],
  'media-bare': [
    message('image', { media: { mediaId: '900100200300', mimeType: 'application/octet-stream' } }),
  ],
  'media-too-large': [
    message('unsupported', {
      errors: [
        {
          code: 131052,
          title: 'Media file size too big',
          message: 'Media file size too big',
          details: 'The file is over 100 MB.',
        },
      ],
    }),
  ],
  'media-refused-with-its-type': [
    message('unsupported', {
      unsupportedType: 'video',
      errors: [{ code: 131052, title: 'Media file size too big' }],
    }),
  ],
};

const things: Record<string, ExpectedMessage[]> = {
  location: [
    message('location', {
      location: {
        latitude: 48.20849,
        longitude: 16.37208,
        name: 'Stephansplatz',
        address: 'Stephansplatz 3, Wien',
        url: 'https://place.example/',
      },
    }),
  ],
  'location-as-text': [message('location', { location: { latitude: 48.5, longitude: -16.25 } })],
  'location-without-numbers': [message('unknown', {})],
  contacts: [
    message('contacts', {
      contacts: [
        {
          name: { first_name: 'Emre', formatted_name: 'Emre Kaya' },
          org: { company: 'Kaya Tiles' },
          phones: [{ phone: '+1 555 010 3344', wa_id: '15550103344', type: 'WORK' }],
          origin: 'other',
          vcard: 'BEGIN:VCARD',
        },
      ],
    }),
  ],
  'contacts-requested': [
    message(
      'contacts',
      {
        contacts: [
          {
            origin: 'contact_request',
            phones: [{ phone: '+1 555 011 1222', wa_id: '15550111222', type: 'CELL' }],
          },
        ],
      },
      { sender: { bsuid: noor.bsuid!, name: noor.name! } },
    ),
  ],
  'contacts-origin-beside': [
    message('contacts', {
      contacts: [{ origin: 'contact_request', phones: [{ phone: '+1 555 011 1222' }] }],
    }),
  ],
  reaction: [message('reaction', { reaction: { wamid: ours.wamid, emoji: '🎉' } })],
  'reaction-removed': [message('reaction', { reaction: { wamid: ours.wamid } })],
  'reaction-removed-empty': [message('reaction', { reaction: { wamid: ours.wamid } })],
  order: [
    message('order', {
      order: {
        catalogId: '55500011',
        text: 'As a present',
        items: [
          { productId: 'mug-blue', quantity: 2, price: 12.5, currency: 'EUR' },
          { productId: 'box', quantity: 1, price: 3, currency: 'EUR' },
        ],
      },
    }),
  ],
};

const choices: Record<string, ExpectedMessage[]> = {
  button: [message('button', { choice: { id: 'track', title: 'Track my parcel' }, context: ours })],
  'list-choice': [
    message('listChoice', {
      choice: { id: 'slot-9', title: "Nine o'clock", description: 'Morning round' },
      context: ours,
    }),
  ],
  'wa-flow-reply': [
    message('waFlowReply', {
      waFlow: {
        name: 'flow',
        body: 'Sent',
        token: 'tok-1',
        response: { flow_token: 'tok-1', stars: '4', again: true },
      },
      context: ours,
    }),
  ],
  'wa-flow-reply-broken': [
    message('waFlowReply', { waFlow: { name: 'flow', body: 'Sent', response: '{"stars":' } }),
  ],
  'wa-flow-reply-address': [
    message('waFlowReply', { waFlow: { name: 'address_message', response: { values: { city: 'Pune' } } } }),
  ],
  'call-permission': [
    message('callPermission', {
      callPermission: { response: 'accept', expiresAtMs: 1_794_600_000_000, source: 'user_action' },
      context: ours,
    }),
  ],
  'interactive-of-tomorrow': [message('unknown', {})],
  'template-button': [
    message('templateButton', { choice: { id: 'STOP', title: 'No more news' }, context: ours }),
  ],
  'template-button-without-context': [
    message('templateButton', { choice: { id: 'No more news', title: 'No more news' } }),
  ],
};

const later: Record<string, ExpectedMessage[]> = {
  'edit-text': [
    message('edit', {
      originalWamid: original,
      edited: { kind: 'text', content: { text: 'I meant the green one', context: ours } },
    }),
  ],
  'edit-image': [
    message('edit', {
      originalWamid: original,
      edited: { kind: 'image', content: { media: media('image/jpeg', { caption: 'Look again' }) } },
    }),
  ],
  'edit-of-an-edit': [message('edit', { originalWamid: original, edited: { kind: 'unknown', content: {} } })],
  revoke: [message('revoke', { originalWamid: original })],
  unsupported: [message('unsupported', { unsupportedType: 'poll_creation', errors: unsupportedErrors })],
  'unsupported-without-subtype': [message('unsupported', { errors: unsupportedErrors })],
  'type-of-tomorrow': [message('unknown', {})],
  'request-welcome': [message('unknown', {})],
};

const systems: Record<string, ExpectedMessage[]> = {
  'system-number-before-2026': [
    message(
      'system',
      {
        system: {
          type: 'user_changed_number',
          body: 'Noor Haddad changed from 15550111222 to 15550199000',
          change: { oldPhone: '15550111222', newPhone: '15550199000' },
        },
      },
      { sender: { phone: '15550111222' } },
    ),
  ],
  'system-number-old-names': [
    message(
      'system',
      {
        system: {
          type: 'customer_changed_number',
          body: 'changed',
          change: { oldPhone: '15550111222', newPhone: '15550199000' },
        },
      },
      { sender: { phone: '15550111222' } },
    ),
  ],
  'system-number-2026': [
    message(
      'system',
      {
        system: {
          type: 'user_changed_number',
          body: 'changed',
          change: {
            oldPhone: '15550111222',
            newPhone: '15550199000',
            oldBsuid: 'US.70012345678900011',
            newBsuid: 'US.70012345678900022',
            oldParentBsuid: 'US.ENT.90000000000000001',
            newParentBsuid: 'US.ENT.90000000000000002',
          },
        },
      },
      { sender: { ...noContact, parentBsuid: 'US.ENT.90000000000000001' } },
    ),
  ],
  'system-user-id': [
    message(
      'system',
      {
        system: {
          type: 'user_changed_user_id',
          body: 'changed',
          change: { oldBsuid: 'US.70012345678900011', newBsuid: 'US.70012345678900022' },
        },
      },
      { sender: { bsuid: 'US.70012345678900011' } },
    ),
  ],
  'system-user-id-only-inside': [
    message(
      'system',
      {
        system: {
          type: 'user_changed_user_id',
          change: { oldBsuid: 'US.70012345678900011', newBsuid: 'US.70012345678900022' },
        },
      },
      { sender: { bsuid: 'US.70012345678900011' } },
    ),
  ],
  'system-identity': [
    message(
      'system',
      {
        system: { type: 'customer_identity_changed', body: 'The security code changed' },
        identity: { acknowledged: true, createdAtMs: 1_793_990_000_000, hash: 'hash-0002' },
      },
      { sender: noContact },
    ),
  ],
};

export const expectedMessages: Record<string, ExpectedMessage[]> = {
  ...texts,
  ...mediaMessages,
  ...things,
  ...choices,
  ...later,
  ...systems,
};
