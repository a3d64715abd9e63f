import { describe, expect, it } from 'vitest';
import { changesOf, createVirtualMeta, NUMBER_ID, PHONE } from './virtual-meta.ts';

const BUSINESS = '15550783881';

const sayOne = (request: Record<string, unknown>) => {
  const virtual = createVirtualMeta();
  virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, ...request }, virtual.nowMs);
  virtual.run(0);
  return virtual.messages()[0];
};

const media = { mime_type: expect.any(String), sha256: expect.any(String), id: expect.any(String) };

/** What is said, with its details, and the message that comes of it. */
const SAYINGS: ReadonlyArray<[string, Record<string, unknown>, Record<string, unknown>]> = [
  ['text', { text: 'hi' }, { type: 'text', text: { body: 'hi' } }],
  [
    'buttonReply',
    { id: 'yes', title: 'Yes' },
    {
      type: 'interactive',
      interactive: { type: 'button_reply', button_reply: { id: 'yes', title: 'Yes' } },
    },
  ],
  [
    'listReply',
    { id: 'r1', title: 'Row', description: 'd' },
    {
      type: 'interactive',
      interactive: { type: 'list_reply', list_reply: { id: 'r1', title: 'Row', description: 'd' } },
    },
  ],
  [
    'templateButton',
    { text: 'Stop', payload: 'STOP' },
    { type: 'button', button: { payload: 'STOP', text: 'Stop' } },
  ],
  ['image', { caption: 'c' }, { type: 'image', image: { caption: 'c', ...media } }],
  ['audio', {}, { type: 'audio', audio: { voice: true, ...media } }],
  ['document', { filename: 'a.pdf' }, { type: 'document', document: { filename: 'a.pdf', ...media } }],
  ['sticker', {}, { type: 'sticker', sticker: { animated: false, ...media } }],
  ['location', { latitude: 1, longitude: 2 }, { type: 'location', location: { latitude: 1, longitude: 2 } }],
  ['contacts', {}, { type: 'contacts', contacts: [{ name: { first_name: 'Barbara' } }] }],
  [
    'reaction',
    { messageId: 'wamid.X', emoji: '👍' },
    { type: 'reaction', reaction: { message_id: 'wamid.X', emoji: '👍' } },
  ],
  ['order', {}, { type: 'order', order: { product_items: [{ quantity: 2 }] } }],
  [
    'edit',
    { originalMessageId: 'wamid.X', text: 'new' },
    { type: 'edit', edit: { original_message_id: 'wamid.X', message: { text: { body: 'new' } } } },
  ],
  [
    'revoke',
    { originalMessageId: 'wamid.X' },
    { type: 'revoke', revoke: { original_message_id: 'wamid.X' } },
  ],
  [
    'unsupported',
    {},
    { type: 'unsupported', errors: [{ code: 131051 }], unsupported: { type: 'poll_creation' } },
  ],
  ['video', {}, { type: 'video', video: { ...media, mime_type: 'video/mp4' } }],
  ['contactInfo', {}, { type: 'contacts', contacts: [{ origin: 'contact_request' }] }],
  [
    'waFlowReply',
    { response: { stars: 4 }, name: 'flow' },
    {
      type: 'interactive',
      interactive: {
        type: 'nfm_reply',
        nfm_reply: { response_json: '{"stars":4}', body: 'Sent', name: 'flow' },
      },
    },
  ],
  [
    'callPermission',
    {},
    {
      type: 'interactive',
      interactive: {
        type: 'call_permission_reply',
        call_permission_reply: { response: 'accept', expiration_timestamp: 1_790_604_800 },
      },
    },
  ],
  [
    'edit',
    { originalMessageId: 'wamid.X', editedType: 'image', caption: 'new', contextId: 'wamid.C' },
    {
      type: 'edit',
      edit: {
        original_message_id: 'wamid.X',
        message: { context: { id: 'wamid.C' }, type: 'image', image: { caption: 'new', ...media } },
      },
    },
  ],
  ['mediaTooLarge', {}, { type: 'unsupported', errors: [{ code: 131052 }] }],
  ['unknown', { typeName: 'hologram' }, { type: 'hologram', hologram: { id: '1' } }],
];

describe('what a contact says', () => {
  it.each(SAYINGS)('%s', (type, said, expected) => {
    expect(sayOne({ type, ...said })).toMatchObject({ from: PHONE, timestamp: '1790000000', ...expected });
  });
});

describe('what comes with it', () => {
  it('carries context and referral', () => {
    expect(sayOne({ text: 'x', replyTo: 'wamid.X' })?.context).toEqual({ from: BUSINESS, id: 'wamid.X' });
    expect(sayOne({ text: 'x', forwarded: true })?.context).toEqual({ forwarded: true });
    expect(sayOne({ text: 'x', frequentlyForwarded: true })?.context).toEqual({ frequently_forwarded: true });
    expect(sayOne({ text: 'x', replyTo: 'wamid.X', product: { productRetailerId: 'mug' } })?.context).toEqual(
      {
        from: BUSINESS,
        id: 'wamid.X',
        referred_product: { catalog_id: '194836987003835', product_retailer_id: 'mug' },
      },
    );
    expect(sayOne({ text: 'x', referral: true })?.referral).toMatchObject({ source_type: 'ad' });
  });

  it('is kept in the history and told to whoever listens', () => {
    const virtual = createVirtualMeta();
    const given = { headline: 'Tulips today', source_type: 'post' };
    const sayings = [{}, { forwarded: true }, { frequentlyForwarded: true }, { referral: given }];
    const at = { phoneNumberId: NUMBER_ID, contact: PHONE, text: 'x' };
    for (const said of [...sayings, { referral: true }]) virtual.meta.inbound.say({ ...at, ...said }, 0);
    const ad = { headline: 'Chat with us', source_type: 'ad' };
    const kept = [
      { forwarded: false, referral: null },
      { forwarded: true, referral: null },
      { forwarded: true, referral: null },
      { forwarded: false, referral: given },
      { forwarded: false, referral: ad },
    ];
    expect(virtual.meta.conversations.list()[0]?.messages).toMatchObject(kept);
    expect(virtual.meta.log.read({ kinds: new Set(['said']) })).toMatchObject(kept);
  });

  it('names the contact as the writer of its own message that it quotes', () => {
    const virtual = createVirtualMeta();
    const say = (request: Record<string, unknown>) =>
      virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, ...request }, virtual.nowMs);
    say({ text: 'and?', replyTo: say({ text: 'hi' }).wamid });
    virtual.run(0);
    expect(virtual.messages()[1]?.context).toMatchObject({ from: PHONE });
  });

  it('takes a reaction back without an emoji, or with an empty one where that is asked for', () => {
    const reaction = { type: 'reaction', messageId: 'wamid.X', emoji: '' };
    expect(sayOne(reaction)?.reaction).toEqual({ message_id: 'wamid.X' });
    expect(sayOne({ ...reaction, emptyEmoji: true })?.reaction).toEqual({ message_id: 'wamid.X', emoji: '' });
  });

  it.each([
    [true, 'edit', 'revoke'],
    [false, 'unsupported', undefined],
  ])('with coexistence %s, edits and deletions come as Meta has them', (coexistence, edited, revoked) => {
    const number = { id: NUMBER_ID, wabaId: '1', displayNumber: '+1 555 078 3881', coexistence };
    const virtual = createVirtualMeta({ phoneNumbers: [number], rules: { edits: 'coexistence' } });
    for (const type of ['edit', 'revoke']) {
      const said = {
        phoneNumberId: NUMBER_ID,
        contact: PHONE,
        type,
        originalMessageId: 'wamid.X',
        text: 'new',
      };
      virtual.meta.inbound.say(said, virtual.nowMs);
    }
    virtual.run(0);
    expect(virtual.messages().map(({ type }) => type)).toEqual(
      [edited, revoked].filter((type) => type !== undefined),
    );
    expect(virtual.meta.said.every(({ acknowledgedAtMs }) => acknowledgedAtMs !== null)).toBe(true);
  });

  it('says nothing of the subtype where that is asked for', () => {
    expect(sayOne({ type: 'unsupported', subtype: null })).not.toHaveProperty('unsupported');
  });
});

describe('who a contact is', () => {
  it('gives everyone a BSUID where the rule says so, always the same, and a new one with a new phone', () => {
    const meet = () => {
      const virtual = createVirtualMeta({ rules: { userIds: true } });
      virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, text: 'hi' }, virtual.nowMs);
      virtual.run(0);
      return { virtual, userId: String(virtual.messages()[0]?.from_user_id) };
    };
    const { virtual, userId } = meet();
    expect(userId).toMatch(/^US\.\d{20}$/);
    expect(meet().userId).toBe(userId);
    virtual.meta.inbound.changeAddress(
      { phoneNumberId: NUMBER_ID, contact: PHONE, phone: '12195555358' },
      virtual.nowMs,
    );
    virtual.run(0);
    const system = virtual.messages()[1]?.system as Record<string, string>;
    expect(system).toMatchObject({ previous_user_id: userId, wa_id: '12195555358' });
    expect(system.user_id).not.toBe(userId);
  });

  it('carries the identity of a contact that has one, and tells when it changes', () => {
    const contact = { phone: PHONE, identityHash: 'hash-1' };
    const virtual = createVirtualMeta();
    virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact, text: 'hi' }, virtual.nowMs);
    virtual.meta.inbound.changeAddress(
      { phoneNumberId: NUMBER_ID, contact: PHONE, identityHash: 'hash-2' },
      virtual.nowMs,
    );
    virtual.run(0);
    const [said, system] = virtual.received.map(({ text }) => changesOf(text)[0]?.value);
    expect(said).toMatchObject({
      contacts: [{ identity_key_hash: 'hash-1' }],
      messages: [{ identity: { hash: 'hash-1' } }],
    });
    expect(system?.messages?.[0]).toMatchObject({
      type: 'system',
      system: { type: 'customer_identity_changed' },
      identity: { hash: 'hash-2' },
    });
  });

  it('takes the title of a button from the message that offered it', () => {
    const virtual = createVirtualMeta();
    const say = (request: Record<string, unknown>) =>
      virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, ...request }, virtual.nowMs);
    say({ text: 'hi' });
    const buttons = [{ type: 'reply', reply: { id: 'b1', title: 'Buy now' } }];
    const interactive = { type: 'button', body: { text: 'Well?' }, action: { buttons } };
    virtual.sendText('', { type: 'interactive', interactive });
    const tap = say({ type: 'buttonReply', id: 'b1', replyTo: virtual.meta.accepted[0]?.wamid });
    expect(tap.text).toBe('Buy now');
  });

  it('omits phone fields of a contact whose phone is hidden, and gives the ids it has', () => {
    const contact = {
      phone: PHONE,
      phoneHidden: true,
      userId: 'US.1',
      parentUserId: 'US.ENT.2',
      username: 'sheena',
    };
    const virtual = createVirtualMeta();
    virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact, text: 'hi' }, virtual.nowMs);
    virtual.run(0);
    expect(changesOf(virtual.received[0]!.text)[0]?.value).toMatchObject({
      contacts: [{ profile: { username: 'sheena' }, user_id: 'US.1', parent_user_id: 'US.ENT.2' }],
      messages: [{ from_user_id: 'US.1', from_parent_user_id: 'US.ENT.2' }],
    });
    expect(virtual.received[0]?.text).not.toContain(`"${PHONE}"`);
  });

  it('refuses what makes no sense, with advice', () => {
    expect(() => sayOne({ type: 'song' })).toThrow(/Known types: text/);
    expect(() => sayOne({ phoneNumberId: 'x', text: 'hi' })).toThrow(/POST \/_sim\/setup/);
    expect(() => sayOne({ contact: 'nobody', text: 'hi' })).toThrow(/POST \/_sim\/contacts/);
  });
});

describe('a contact that changes its address', () => {
  const change = (contact: object, request: object) => {
    const virtual = createVirtualMeta();
    const created = virtual.meta.inbound.contactOf(contact, virtual.nowMs);
    virtual.meta.inbound.changeAddress(
      { phoneNumberId: NUMBER_ID, contact: created.id, ...request },
      virtual.nowMs,
    );
    virtual.run(0);
    return { virtual, created, message: virtual.messages()[0] };
  };

  it('tells the new number, and is reached by the new one only', () => {
    const { virtual, message } = change(
      { phone: PHONE, userId: 'US.1', name: 'Sheena' },
      { phone: '12195555358', userId: 'US.9' },
    );
    expect(message).toMatchObject({
      from: PHONE,
      from_user_id: 'US.1',
      type: 'system',
      system: {
        body: `User Sheena changed from ${PHONE} to 12195555358`,
        wa_id: '12195555358',
        user_id: 'US.9',
        previous_user_id: 'US.1',
        type: 'user_changed_number',
      },
    });
    expect(changesOf(virtual.received[0]!.text)[0]?.value).not.toHaveProperty('contacts');
    virtual.sendText('to the old number');
    virtual.run(60_000);
    expect(virtual.statuses()).toMatchObject([{ status: 'failed', errors: [{ code: 131026 }] }]);
    virtual.sendText('to the new one', { to: '12195555358' });
    expect(virtual.meta.accepted[1]?.contactKey).toBe('contact_1');
  });

  it('tells only the new user id where the phone may not be seen', () => {
    const { message } = change({ phone: PHONE, phoneHidden: true, userId: 'US.1' }, { userId: 'US.9' });
    expect(message).not.toHaveProperty('from');
    expect(message?.system).toMatchObject({
      user_id: 'US.9',
      previous_user_id: 'US.1',
      type: 'user_changed_user_id',
    });
  });
});
