/** The builders write what the parser reads: each kind there and back, in Meta's form, signed. */
import { describe, expect, it } from 'vitest';
import type { InboundMessage } from '#core/model/events.ts';
import { parseWebhook } from '#pipeline/webhook/parse.ts';
import { verifySignature } from '#pipeline/webhook/signature.ts';
import { createWebhooks, type WebhookItem, webhook } from '#testing/webhooks.ts';

const receivedAtMs = 1_790_000_001_000;
const robin = { phone: '15550102000', bsuid: 'US.5550102000', name: 'Robin Vale' };

const built: Record<string, WebhookItem> = {
  'message.text': webhook.text({ text: 'Hi' }),
  'message.image': webhook.image({ caption: 'Look' }),
  'message.video': webhook.video(),
  'message.audio': webhook.audio(),
  'message.voice': webhook.voice(),
  'message.document': webhook.document({ filename: 'a.pdf' }),
  'message.sticker': webhook.sticker({ animated: true }),
  'message.location': webhook.location({ latitude: 1, longitude: 2, name: 'There' }),
  'message.contacts': webhook.contacts({ contacts: [{ phones: [] }] }),
  'message.reaction': webhook.reaction({ to: 'wamid.x', emoji: '👍' }),
  'message.button': webhook.button({ id: 'yes', title: 'Yes' }),
  'message.listChoice': webhook.list({ id: 'a', description: 'b' }),
  'message.templateButton': webhook.templateButton({ payload: 'STOP' }),
  'message.waFlowReply': webhook.waFlowReply({ response: { stars: 4 } }),
  'message.callPermission': webhook.callPermission(),
  'message.order': webhook.order({ catalogId: 'c', items: [{ product_retailer_id: 'p', quantity: 1 }] }),
  'message.edit': webhook.edit({ original: 'wamid.x', text: 'Better' }),
  'message.revoke': webhook.revoke({ original: 'wamid.x' }),
  'message.system': webhook.changedAddress({ phone: '15550102999', bsuid: 'US.2' }),
  'message.unsupported': webhook.unsupported(),
  'message.unknown': webhook.unknown(),
  'message.echo': webhook.echo(),
  'message.standby': webhook.standby(),
  'status.delivered': webhook.status({ wamid: 'wamid.out', opaque: 'snd_1' }),
  'notice.value_errors': webhook.valueError({ code: 130429 }),
  'notice.account_update': webhook.notice({ field: 'account_update', value: { event: 'VERIFIED_ACCOUNT' } }),
};

describe('builders', () => {
  it.each(Object.entries(built))('%s', (kind, item) => {
    const parsed = parseWebhook(webhook.body([item]), receivedAtMs);
    expect(parsed.problems).toEqual([]);
    expect(parsed.byKind).toEqual({ [kind]: 1 });
    const [only] = parsed.items;
    if (only?.type !== 'message') return;
    expect(only.sentAtMs).toBe(1_790_000_000_000);
    expect(only.sender.phone).toBe(robin.phone);
  });

  it('fill what was asked for', () => {
    const item = webhook.text({
      text: 'Hi',
      from: { bsuid: 'US.7', username: 'seven' },
      wamid: 'wamid.7',
      sentAtMs: 1_789_000_000_000,
      repliesTo: 'wamid.6',
      groupId: 'g1',
      wabaId: 'w2',
      phoneNumberId: 'p2',
      extra: { referral: { source_id: '1' } },
    });
    const [message] = parseWebhook(webhook.body([item]), receivedAtMs).items;
    expect(message).toMatchObject({
      wabaId: 'w2',
      phoneNumberId: 'p2',
      wamid: 'wamid.7',
      sentAtMs: 1_789_000_000_000,
      sender: { bsuid: 'US.7', username: 'seven' },
      content: { text: 'Hi', context: { wamid: 'wamid.6' }, groupId: 'g1', referral: { source_id: '1' } },
    });
  });

  it('a failed status has its errors and no contact', () => {
    const item = webhook.status({
      wamid: 'wamid.out',
      status: 'failed',
      errors: [{ code: 131047, title: 'Re-engagement message', details: 'Over 24 hours.' }],
    });
    expect(webhook.body([item])).not.toContain('contacts');
    expect(parseWebhook(webhook.body([item]), receivedAtMs).items[0]).toMatchObject({
      status: 'failed',
      recipient: { phone: robin.phone },
      errors: [{ code: 131047, details: 'Over 24 hours.' }],
    });
  });

  it('a batch shares entries and values, and keeps its order', () => {
    const other = createWebhooks({ wabaId: 'w2', phoneNumberId: 'p2' });
    const items = [
      webhook.text({ text: 'one', wamid: 'wamid.1' }),
      webhook.text({ text: 'two', wamid: 'wamid.2' }),
      webhook.status({ wamid: 'wamid.out', status: 'read' }),
      other.text({ text: 'three', wamid: 'wamid.3' }),
    ];
    const body = webhook.body(items);
    const { entry } = JSON.parse(body);
    expect(entry).toHaveLength(2);
    expect(entry[0].changes).toHaveLength(1);
    expect(entry[0].changes[0].value.contacts).toHaveLength(1);
    const parsed = parseWebhook(body, receivedAtMs);
    expect(parsed.byKind).toEqual({ 'message.text': 3, 'status.read': 1 });
    const texts = parsed.items.filter((item): item is InboundMessage => item.type === 'message');
    expect(texts.map((item) => item.content.text)).toEqual(['one', 'two', 'three']);
  });

  it('are ASCII as on the wire, and signed over exactly that', () => {
    const { body, headers } = webhook.signed(webhook.body([webhook.text({ text: 'ä/🙋' })]), 'secret');
    expect(body).toContain('\\u00e4\\/\\ud83d\\ude4b');
    const rawBody = Buffer.from(body, 'latin1');
    const check = verifySignature({ rawBody, header: headers['x-hub-signature-256'], secrets: ['secret'] });
    expect(check).toEqual({ ok: true, escapedForm: false, secretIndex: 0 });
    expect((parseWebhook(rawBody, receivedAtMs).items[0] as InboundMessage).content.text).toBe('ä/🙋');
  });

  it('count wamids for each set, and take a clock', () => {
    const [first, second] = [1, 2].map(() => createWebhooks({ nowMs: () => 1_789_000_000_000 }).text());
    expect(first!.element).toEqual(second!.element);
    expect(first!.element).toMatchObject({ id: 'wamid.test000001', timestamp: '1789000000' });
  });
});
