import { describe, expect, it } from 'vitest';
import { answerJson, createOpenConversation, createVirtualMeta, NUMBER_ID, PHONE } from './virtual-meta.ts';

interface ErrorBody {
  error?: { code: number; message: string; error_data?: { details: string } };
}

const TEXT = { messaging_product: 'whatsapp', to: PHONE, type: 'text', text: { body: 'hi' } };
const long = (chars: number) => 'x'.repeat(chars);
const LINK = 'https://example.com/file';

const button = (id: string, title = id) => ({ type: 'reply', reply: { id, title } });
const interactive = (type: string, action: object, more: object = {}) => ({
  type: 'interactive',
  interactive: { type, body: { text: 'Well?' }, action, ...more },
});
const buttons = (...list: object[]) => interactive('button', { buttons: list });
const list = (...sections: object[]) => interactive('list', { button: 'Open', sections });
const rows = (count: number, prefix = 'r') =>
  Array.from({ length: count }, (_, index) => ({ id: `${prefix}${index}`, title: 't' }));
const items = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ product_retailer_id: `p${index}` }));
const productList = (sections: object[], more: object = { header: { type: 'text', text: 'Ours' } }) =>
  interactive('product_list', { catalog_id: '1', sections }, more);
const waFlow = (parameters: object) =>
  interactive('flow', {
    name: 'flow',
    parameters: { flow_message_version: '3', flow_id: '1', flow_cta: 'Open', ...parameters },
  });
const ctaUrl = (parameters: object) => interactive('cta_url', { name: 'cta_url', parameters });
const card = (index: number, more: object = {}) => ({
  card_index: index,
  type: 'cta_url',
  header: { type: 'image', image: { link: LINK } },
  body: { text: 'card' },
  action: { name: 'cta_url', parameters: { display_text: 'Go', url: LINK } },
  ...more,
});
const carousel = (...cards: object[]) => interactive('carousel', { cards });
const contact = (more: object = {}) => ({ name: { formatted_name: 'A B', first_name: 'A' }, ...more });
const location = (latitude: unknown, longitude: unknown) => ({
  type: 'location',
  location: { latitude, longitude },
});
const reaction = (emoji: unknown) => ({ type: 'reaction', reaction: { message_id: 'wamid.X', emoji } });
const request = (type: string, name = type) => interactive(type, { name });

const good: Array<[string, object]> = [
  ['the longest text', { text: { body: long(4_096), preview_url: true } }],
  ['4096 code points of two units each', { text: { body: '😀'.repeat(4_096) } }],
  ['a phone as a number', { to: Number(PHONE) }],
  ['image', { type: 'image', image: { link: LINK, caption: long(1_024) } }],
  ['video', { type: 'video', video: { link: LINK, caption: 'c' } }],
  ['document', { type: 'document', document: { link: LINK, filename: 'a.pdf', caption: 'c' } }],
  ['audio', { type: 'audio', audio: { link: LINK, voice: true } }],
  ['sticker', { type: 'sticker', sticker: { link: LINK } }],
  ['location', { type: 'location', location: { latitude: '1.5', longitude: -180, name: 'n', address: 'a' } }],
  [
    'contacts',
    { type: 'contacts', contacts: [contact({ phones: [{ phone: '1' }], birthday: '1990-01-31' })] },
  ],
  ['reaction', reaction('👍🏽')],
  ['a heart as keyboards write it', reaction('❤')],
  ['a family', reaction('👩‍👩‍👧‍👦')],
  ['a reaction taken back', reaction('')],
  ['buttons', buttons(button('a'), button('b'), button(long(256), long(20)))],
  [
    'buttons under a picture',
    interactive(
      'button',
      { buttons: [button('a')] },
      { header: { type: 'image', image: { link: LINK } }, footer: { text: long(60) } },
    ),
  ],
  ['a list', list({ rows: [{ id: 'a', title: 'A', description: long(72) }] })],
  ['two sections', list({ title: 'one', rows: rows(5) }, { title: 'two', rows: rows(5, 's') })],
  [
    'a list with a long body',
    interactive('list', { button: 'b', sections: [{ rows: rows(1) }] }, { body: { text: long(4_096) } }),
  ],
  ['cta_url', ctaUrl({ display_text: 'Go', url: LINK })],
  ['flow', waFlow({ flow_action: 'navigate', flow_action_payload: { screen: 'FIRST' }, mode: 'draft' })],
  ['product', interactive('product', { catalog_id: '1', product_retailer_id: 'p' }, { body: undefined })],
  [
    'product_list',
    productList([
      { title: 'a', product_items: items(20) },
      { title: 'b', product_items: items(10) },
    ]),
  ],
  ['catalog_message', interactive('catalog_message', { name: 'catalog_message', parameters: {} })],
  ['carousel', carousel(card(0), card(1))],
  ['location_request_message', request('location_request_message', 'send_location')],
  [
    'address_message',
    interactive('address_message', { name: 'address_message', parameters: { country: 'IN' } }),
  ],
  ['request_contact_info', request('request_contact_info')],
  ['call_permission_request', request('call_permission_request')],
];

const bad: Array<[string, object, number]> = [
  ['no messaging_product', { messaging_product: undefined }, 100],
  ['no recipient', { to: undefined }, 100],
  ['a recipient that is no phone', { to: 'US.123' }, 131009],
  ['a recipient_type of its own', { recipient_type: 'crowd' }, 100],
  ['a group', { recipient_type: 'group' }, 131041],
  ['itself as recipient', { to: '+1 555 078 3881' }, 131021],
  ['no type object', { text: undefined }, 131008],
  ['a type object that is none', { text: 'hi' }, 100],
  ['an empty text', { text: { body: ' ' } }, 100],
  ['a text that is too long', { text: { body: long(4_097) } }, 100],
  ['an unknown type', { type: 'hologram', hologram: {} }, 131051],
  ['a context without a message', { context: {} }, 100],
  ['a reaction with a context', { ...reaction('👍'), context: { message_id: 'wamid.X' } }, 131009],
  ['media without id or link', { type: 'image', image: {} }, 131008],
  ['media with id and link', { type: 'image', image: { id: '1', link: LINK } }, 131009],
  ['a link that is no URL', { type: 'image', image: { link: 'ftp://a/b' } }, 131009],
  ['a caption that is too long', { type: 'image', image: { link: LINK, caption: long(1_025) } }, 131009],
  ['audio with a caption', { type: 'audio', audio: { link: LINK, caption: 'c' } }, 131009],
  ['an image with a filename', { type: 'image', image: { link: LINK, filename: 'a.png' } }, 131009],
  ['a spoken image', { type: 'image', image: { link: LINK, voice: true } }, 131009],
  ['a latitude off the globe', location(90.1, 0), 131009],
  ['no longitude', location(1, undefined), 131008],
  ['a latitude in words', location('north', 0), 131009],
  ['no contacts', { type: 'contacts', contacts: [] }, 131009],
  ['a contact without a name', { type: 'contacts', contacts: [{}] }, 131008],
  ['a contact with half a name', { type: 'contacts', contacts: [{ name: { formatted_name: 'A' } }] }, 131009],
  ['258 contacts', { type: 'contacts', contacts: Array.from({ length: 258 }, () => contact()) }, 131009],
  ['a birthday in words', { type: 'contacts', contacts: [contact({ birthday: 'May 1st' })] }, 131009],
  ['two emoji', reaction('👍👍'), 131009],
  ['a word as emoji', reaction('yes'), 131009],
  ['no emoji', reaction(undefined), 131008],
  ['an interactive type of its own', interactive('hologram', {}), 100],
  ['no body', interactive('button', { buttons: [button('a')] }, { body: undefined }), 131008],
  [
    'a body that is too long',
    interactive('button', { buttons: [button('a')] }, { body: { text: long(1_025) } }),
    131009,
  ],
  [
    'a footer that is too long',
    interactive('button', { buttons: [button('a')] }, { footer: { text: long(61) } }),
    131009,
  ],
  [
    'a header that is too long',
    interactive('button', { buttons: [button('a')] }, { header: { type: 'text', text: long(61) } }),
    131009,
  ],
  ['no buttons', buttons(), 131009],
  ['four buttons', buttons(button('a'), button('b'), button('c'), button('d')), 131009],
  ['a long button title', buttons(button('a', long(21))), 131009],
  ['a long button id', buttons(button(long(257), 'a')), 131009],
  ['two buttons with one id', buttons(button('a', 'A'), button('a', 'B')), 131009],
  ['two buttons with one title', buttons(button('a', 'A'), button('b', 'A')), 131009],
  ['a button of another type', buttons({ type: 'url', reply: { id: 'a', title: 'a' } }), 131009],
  ['eleven rows', list({ title: 'one', rows: rows(6) }, { title: 'two', rows: rows(5, 's') }), 131009],
  ['no rows', list({ rows: [] }), 131009],
  [
    'eleven sections',
    list(...Array.from({ length: 11 }, (_, at) => ({ title: `${at}`, rows: rows(1, `${at}`) }))),
    131009,
  ],
  ['two sections without titles', list({ rows: rows(1) }, { rows: rows(1, 's') }), 131008],
  ['a long row title', list({ rows: [{ id: 'a', title: long(25) }] }), 131009],
  ['a long row description', list({ rows: [{ id: 'a', title: 'a', description: long(73) }] }), 131009],
  ['two rows with one id', list({ rows: [...rows(1), ...rows(1)] }), 131009],
  [
    'a list under a picture',
    interactive(
      'list',
      { button: 'b', sections: [{ rows: rows(1) }] },
      { header: { type: 'image', image: { link: LINK } } },
    ),
    131009,
  ],
  ['a long link text', ctaUrl({ display_text: long(21), url: LINK }), 131009],
  ['a link that is none', ctaUrl({ display_text: 'Go', url: 'nowhere' }), 131009],
  ['an old version of the form', waFlow({ flow_message_version: '2' }), 131009],
  ['a form by id and name', waFlow({ flow_name: 'n' }), 131009],
  ['a form by neither', waFlow({ flow_id: undefined }), 131008],
  ['a form without a first screen', waFlow({ flow_action_payload: {} }), 131008],
  ['a product without catalog', interactive('product', { product_retailer_id: 'p' }), 131008],
  [
    'a product with a header',
    interactive(
      'product',
      { catalog_id: '1', product_retailer_id: 'p' },
      { header: { type: 'text', text: 'x' } },
    ),
    131009,
  ],
  ['products without a header', productList([{ title: 'a', product_items: items(1) }], {}), 131008],
  ['31 products', productList([{ title: 'a', product_items: items(31) }]), 131009],
  ['a section without products', productList([{ title: 'a', product_items: [] }]), 131009],
  ['one card', carousel(card(0)), 131009],
  ['cards out of order', carousel(card(1), card(0)), 131009],
  [
    'cards with different buttons',
    carousel(card(0), card(1, { action: { buttons: [button('a')] } })),
    131009,
  ],
  ['a card without a picture', carousel(card(0), card(1, { header: undefined })), 131008],
  ['the old name of asking for the phone', request('contact_request'), 100],
  ['an action of another name', request('location_request_message', 'send_home'), 131009],
  [
    'a country in words',
    interactive('address_message', { name: 'address_message', parameters: { country: 'india' } }),
    131009,
  ],
  ['an object as opaque data', { biz_opaque_callback_data: { a: 1 } }, 131009],
  ['opaque data that is too long', { biz_opaque_callback_data: long(513) }, 131009],
  ['a template without a name', { type: 'template', template: { language: { code: 'en_US' } } }, 100],
  ['a template without a language', { type: 'template', template: { name: 'hello_world' } }, 100],
  ['a read receipt for an unknown message', { status: 'read', message_id: 'wamid.X' }, 131009],
  ['a typing indicator of its own', { status: 'read', message_id: 'wamid.X', typing_indicator: {} }, 131009],
  ['another status', { status: 'delivered', message_id: 'wamid.X' }, 100],
];

describe('the body of a send', () => {
  it.each(good)('is accepted with %s', (_name, more) => {
    const virtual = createOpenConversation();
    const { status, body } = answerJson(virtual.post({ ...TEXT, ...more }));
    expect((body as ErrorBody).error?.error_data).toBeUndefined();
    expect(status).toBe(200);
  });

  it.each(bad)('is refused with %s', (_name, more, code) => {
    const virtual = createOpenConversation();
    const { status, body } = answerJson(virtual.post({ ...TEXT, ...more }));
    const { error } = body as ErrorBody;
    expect([status, error?.code]).toEqual([400, code]);
    expect(error?.error_data?.details).toEqual(expect.any(String));
    expect(virtual.meta.accepted).toHaveLength(0);
  });

  it('is refused when it is not JSON', () => {
    const virtual = createVirtualMeta();
    const path = `/v26.0/${NUMBER_ID}/messages`;
    const headers = { authorization: 'Bearer token' };
    const body = '{"messaging_product":';
    const answer = virtual.meta.handle({ method: 'POST', path, query: {}, headers, body }, virtual.nowMs);
    expect((answerJson(answer).body as ErrorBody).error?.code).toBe(100);
  });
});

describe('a number that cannot send', () => {
  it.each([
    ['PENDING', 133010],
    ['BANNED', 131031],
    ['FLAGGED', undefined],
  ])('%s: code %s', (status, code) => {
    const virtual = createOpenConversation();
    virtual.meta.setup({ phoneNumbers: [{ id: NUMBER_ID, status }] }, virtual.nowMs);
    expect((answerJson(virtual.sendText('hi')).body as ErrorBody).error?.code).toBe(code);
  });
});

describe('a reaction', () => {
  const failures = (virtual: ReturnType<typeof createVirtualMeta>) => {
    virtual.run(60_000);
    return virtual
      .statuses()
      .map(({ status, errors }) => [status, (errors as Array<{ code: number }> | undefined)?.[0]?.code]);
  };
  const reactTo = (virtual: ReturnType<typeof createVirtualMeta>, wamid: string | undefined) =>
    virtual.post({ ...TEXT, type: 'reaction', reaction: { message_id: wamid, emoji: '👍' } });

  it('to a message of the chat is sent, and has no other status', () => {
    const virtual = createOpenConversation();
    reactTo(virtual, virtual.meta.said[0]?.wamid);
    expect(failures(virtual)).toEqual([['sent', undefined]]);
  });

  it('to an unknown message, to a reaction or to one of 31 days ago fails with 131009', () => {
    const virtual = createOpenConversation();
    reactTo(virtual, 'wamid.nobody');
    expect(failures(virtual)).toEqual([['failed', 131009]]);
    reactTo(virtual, virtual.meta.said[0]?.wamid);
    reactTo(virtual, virtual.meta.accepted.at(-1)?.wamid);
    expect(failures(virtual).slice(1).sort()).toEqual([
      ['failed', 131009],
      ['sent', undefined],
    ]);
    const [first] = virtual.meta.said;
    virtual.run(31 * 24 * 3_600_000);
    virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, text: 'back' }, virtual.nowMs);
    reactTo(virtual, first?.wamid);
    expect(failures(virtual).at(-1)).toEqual(['failed', 131009]);
  });
});
