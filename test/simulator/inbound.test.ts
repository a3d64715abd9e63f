import { describe, expect, it } from 'vitest';
import { changesOf, createVirtualMeta, NUMBER_ID, PHONE, WABA_ID } from './virtual-meta.ts';

const BUSINESS = '15550783881';

const sayOne = (request: Record<string, unknown>) => {
  const virtual = createVirtualMeta();
  virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, ...request }, virtual.nowMs);
  virtual.run(0);
  return virtual.messages()[0];
};

describe('what a contact says', () => {
  const media = { mime_type: expect.any(String), sha256: expect.any(String), id: expect.any(String) };
  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
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
    [
      'location',
      { latitude: 1, longitude: 2 },
      { type: 'location', location: { latitude: 1, longitude: 2 } },
    ],
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
    ['unknown', { typeName: 'hologram' }, { type: 'hologram', hologram: { id: '1' } }],
  ])('%s', (type, said, expected) => {
    expect(sayOne({ type, ...said })).toMatchObject({ from: PHONE, timestamp: '1790000000', ...expected });
  });

  it('carries context and referral', () => {
    expect(sayOne({ text: 'x', replyTo: 'wamid.X' })?.context).toEqual({ from: BUSINESS, id: 'wamid.X' });
    expect(sayOne({ text: 'x', forwarded: true })?.context).toEqual({ forwarded: true });
    expect(sayOne({ text: 'x', referral: true })?.referral).toMatchObject({ source_type: 'ad' });
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

describe('other webhooks', () => {
  it('echoes what the owner answers by hand', () => {
    const virtual = createVirtualMeta();
    virtual.meta.inbound.echo({ phoneNumberId: NUMBER_ID, contact: PHONE, text: 'by hand' }, virtual.nowMs);
    virtual.run(0);
    expect(JSON.parse(virtual.received[0]!.text).entry[0].changes[0]).toMatchObject({
      field: 'smb_message_echoes',
      value: {
        metadata: { phone_number_id: NUMBER_ID },
        message_echoes: [{ from: BUSINESS, to: PHONE, type: 'text', text: { body: 'by hand' } }],
      },
    });
  });

  it('delivers any account-level change as it is given', () => {
    const virtual = createVirtualMeta();
    const value = { event: 'APPROVED', message_template_name: 'hello' };
    virtual.meta.inbound.change(
      { wabaId: WABA_ID, field: 'message_template_status_update', value },
      virtual.nowMs,
    );
    virtual.run(0);
    expect(JSON.parse(virtual.received[0]!.text).entry).toEqual([
      { id: WABA_ID, changes: [{ value, field: 'message_template_status_update' }] },
    ]);
  });
});
