/** Echoes, handovers, shared history, account-level fields, and how the webhook version shows. */
import { describe, expect, it } from 'vitest';
import { parseWebhook } from '#pipeline/webhook/parse.ts';
import { NOTICE_FIELDS } from '#simulator/inbound/notices.ts';
import { createOpenConversation, createVirtualMeta, NUMBER_ID, PHONE, WABA_ID } from './virtual-meta.ts';

const BUSINESS = '15550783881';
const DAY_MS = 24 * 3_600_000;
const at = { phoneNumberId: NUMBER_ID, contact: PHONE };

interface Entry {
  readonly id: string;
  readonly time?: number;
  readonly changes: ReadonlyArray<{ field: string; value: Record<string, never> & object }>;
}

type Virtual = ReturnType<typeof createVirtualMeta>;

const entriesOf = (virtual: Virtual): Entry[] =>
  virtual.received.flatMap(({ text }) => (JSON.parse(text) as { entry: Entry[] }).entry);

const changesIn = (virtual: Virtual) => entriesOf(virtual).flatMap(({ changes }) => changes);

describe('echoes', () => {
  const echoed = (request: Record<string, unknown>) => {
    const virtual = createVirtualMeta();
    virtual.meta.inbound.echo({ ...at, ...request }, virtual.nowMs);
    virtual.run(0);
    return changesIn(virtual)[0];
  };

  it('tell what the owner answers by hand', () => {
    expect(echoed({ text: 'by hand' })).toMatchObject({
      field: 'smb_message_echoes',
      value: {
        metadata: { phone_number_id: NUMBER_ID },
        message_echoes: [{ from: BUSINESS, to: PHONE, type: 'text', text: { body: 'by hand' } }],
      },
    });
  });

  it.each([
    [
      { type: 'image', caption: 'Look' },
      { type: 'image', image: { caption: 'Look' } },
    ],
    [
      { type: 'edit', originalMessageId: 'wamid.X', text: 'Better' },
      { type: 'edit', edit: { original_message_id: 'wamid.X' } },
    ],
    [{ type: 'revoke', originalMessageId: 'wamid.X' }, { type: 'revoke' }],
  ])('tell other types: %o', (request, expected) => {
    expect(echoed(request)?.value).toMatchObject({ message_echoes: [expected] });
  });

  it('tell what another app sends, and to whom by BSUID', () => {
    const contact = { userId: 'US.7' };
    const change = echoed({ contact, by: 'app', text: 'from elsewhere' });
    expect(change?.field).toBe('message_echoes');
    expect(change?.value).toMatchObject({ message_echoes: [{ to_user_id: 'US.7' }] });
    expect(JSON.stringify(change)).not.toContain('"to"');
  });

  it('come from nobody else', () => {
    expect(() => echoed({ by: 'ghost', text: 'boo' })).toThrow(/owner, app, agent/);
  });
});

describe('a conversation that Meta’s agent holds', () => {
  it('comes as standby, nested, until it is handed over, which is told', () => {
    const virtual = createVirtualMeta();
    const { inbound } = virtual.meta;
    expect(inbound.handOver({ ...at, to: 'agent' }, virtual.nowMs)).toEqual({ changed: true });
    inbound.say({ ...at, text: 'Do you ship?' }, virtual.nowMs);
    inbound.echo({ ...at, by: 'agent', text: 'Yes.' }, virtual.nowMs);
    expect(inbound.handOver({ ...at, to: 'app' }, virtual.nowMs)).toEqual({ changed: true });
    expect(inbound.handOver({ ...at, to: 'app' }, virtual.nowMs)).toEqual({ changed: false });
    inbound.say({ ...at, text: 'Thanks' }, virtual.nowMs);
    virtual.run(0);
    expect(changesIn(virtual)).toMatchObject([
      {
        field: 'standby',
        value: { standby: { contacts: [{ wa_id: PHONE }], messages: [{ type: 'text' }] } },
      },
      {
        field: 'standby',
        value: { standby: { message_echoes: [{ message: { to: PHONE, text: { body: 'Yes.' } } }] } },
      },
      { field: 'messaging_handovers', value: { type: 'control_passed', sender: { phone_number: PHONE } } },
      { field: 'messages', value: { messages: [{ text: { body: 'Thanks' } }] } },
    ]);
    expect(changesIn(virtual)[0]?.value).not.toHaveProperty('messages');
  });

  it('is seized by a service message, not by a template', () => {
    const virtual = createOpenConversation();
    const { meta } = virtual;
    const isWithAgent = () => meta.conversations.find(NUMBER_ID, 'contact_1')?.isWithAgent;
    meta.inbound.handOver({ ...at, to: 'agent' }, virtual.nowMs);
    expect(isWithAgent()).toBe(true);
    virtual.sendText('mine');
    expect(isWithAgent()).toBe(false);
  });
});

describe('a shared history', () => {
  const past = () => {
    const virtual = createOpenConversation();
    virtual.meta.inbound.say({ ...at, type: 'image' }, virtual.nowMs);
    virtual.sendText('an answer');
    virtual.run(10 * DAY_MS);
    virtual.meta.inbound.say({ ...at, contact: '16505550000', text: 'fresh' }, virtual.nowMs);
    virtual.run(0);
    virtual.received.length = 0;
    return virtual;
  };

  it('comes in phases and chunks, media apart, and nothing of it is news', () => {
    const virtual = past();
    expect(
      virtual.meta.inbound.tellHistory({ phoneNumberId: NUMBER_ID, messagesMax: 2 }, virtual.nowMs),
    ).toEqual({ webhooks: 4 });
    virtual.run(0);
    const changes = changesIn(virtual);
    expect(changes.map(({ field }) => field)).toEqual(['history', 'history', 'history', 'history']);
    expect(changes).toMatchObject([
      { value: { history: [{ metadata: { phase: 0, chunk_order: 1, progress: 33 } }] } },
      {
        value: {
          history: [
            {
              metadata: { phase: 1, chunk_order: 1 },
              threads: [{ id: PHONE, messages: [{ type: 'text' }, { type: 'media_placeholder' }] }],
            },
          ],
        },
      },
      {
        value: {
          history: [
            {
              metadata: { phase: 1, chunk_order: 2, progress: 100 },
              threads: [{ messages: [{ from: BUSINESS, history_context: { status: 'READ' } }] }],
            },
          ],
        },
      },
      { value: { contacts: [{ wa_id: PHONE }], messages: [{ type: 'image' }] } },
    ]);
    const kinds = virtual.received.flatMap(({ text }) => Object.keys(parseWebhook(text, 0).byKind));
    expect(kinds.filter((kind) => kind.startsWith('message.text'))).toEqual([]);
  });

  it('is declined with the code for it', () => {
    const virtual = createVirtualMeta();
    virtual.meta.inbound.tellHistory({ phoneNumberId: NUMBER_ID, declined: true }, virtual.nowMs);
    virtual.run(0);
    expect(changesIn(virtual)[0]?.value).toMatchObject({ history: [{ errors: [{ code: 2593109 }] }] });
  });
});

describe('account-level fields', () => {
  it('are delivered with any value, as it is given, with the time of their entry', () => {
    const virtual = createVirtualMeta();
    const value = { event: 'APPROVED', message_template_name: 'hello' };
    virtual.meta.inbound.change(
      { wabaId: WABA_ID, field: 'message_template_status_update', value },
      virtual.nowMs,
    );
    virtual.run(0);
    expect(entriesOf(virtual)).toEqual([
      { id: WABA_ID, time: 1_790_000_000, changes: [{ value, field: 'message_template_status_update' }] },
    ]);
  });

  it.each(NOTICE_FIELDS)('%s is known without a value, and the parser knows it', (field) => {
    const virtual = createVirtualMeta();
    virtual.meta.inbound.change({ ...at, field }, virtual.nowMs);
    virtual.run(0);
    const parsed = parseWebhook(virtual.received[0]!.text, virtual.nowMs);
    expect(parsed).toMatchObject({ readable: true, problems: [] });
    expect(parsed.items).toHaveLength(1);
    expect(changesIn(virtual)[0]?.field).toBe(field);
  });

  it('keep their own entry in a batch with messages', () => {
    const virtual = createVirtualMeta();
    virtual.meta.faults.set({ batchWebhooks: { updatesMax: 10, waitMs: 10 } });
    virtual.meta.inbound.say({ ...at, text: 'hi' }, virtual.nowMs);
    virtual.meta.inbound.change({ ...at, field: 'account_review_update' }, virtual.nowMs);
    virtual.run(10);
    expect(entriesOf(virtual).map(({ time }) => time)).toEqual([undefined, 1_790_000_000]);
  });

  it('that nobody knows need a value', () => {
    const virtual = createVirtualMeta();
    expect(() => virtual.meta.inbound.change({ ...at, field: 'weather' }, virtual.nowMs)).toThrow(
      /account_update/,
    );
  });

  it('a call opens the service window', () => {
    const virtual = createVirtualMeta({ rules: { serviceWindow: 'sync' } });
    virtual.meta.inbound.change({ ...at, field: 'calls' }, virtual.nowMs);
    expect(virtual.sendText('You called?')).toMatchObject({ response: { status: 200 } });
  });
});

describe('the webhook version', () => {
  const statusesIn = (webhookVersion: string, referral = false) => {
    const virtual = createOpenConversation({ rules: { webhookVersion } });
    if (referral) virtual.meta.inbound.say({ ...at, text: 'ad', referral: true }, virtual.nowMs);
    virtual.sendText('hello');
    virtual.run(60_000);
    return virtual.statuses();
  };

  it.each(['v24.0', 'v25.0', 'v26.0'])('%s: statuses have a price, and no conversation', (version) => {
    const statuses = statusesIn(version);
    expect(statuses.map(({ status }) => status)).toEqual(['sent', 'delivered', 'read']);
    expect(statuses[0]).toMatchObject({ pricing: { pricing_model: 'PMP', category: 'service' } });
    expect(statuses[2]).not.toHaveProperty('pricing');
    for (const status of statuses) expect(status).not.toHaveProperty('conversation');
  });

  it('v23.0: a conversation, the same in every status, its end in the first alone', () => {
    const [sent, delivered] = statusesIn('v23.0').map(({ conversation }) => conversation as object);
    expect(sent).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{32}$/), origin: { type: 'service' } });
    const { expiration_timestamp: end, ...shared } = sent as Record<string, unknown>;
    expect(end).toMatch(/^\d{10}$/);
    expect(delivered).toEqual(shared);
  });

  it('any: a free entry point tells its conversation', () => {
    expect(statusesIn('v26.0', true)[0]).toMatchObject({
      conversation: { origin: { type: 'referral_conversion' }, expiration_timestamp: '1790259202' },
      pricing: { billable: false, type: 'free_entry_point' },
    });
  });
});
