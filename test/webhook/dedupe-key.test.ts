/** What counts as the same arrival: too narrow and a customer is answered twice, too wide and one is never answered. */
import { describe, expect, it } from 'vitest';
import type { InboundMessage, InboundNotice } from '#core/model/events.ts';
import { dedupeKeyOf, parseWebhook } from '#pipeline/webhook/parse.ts';
import { receivedAtMs } from './expected-messages.ts';
import { fixtureText } from './fixtures.ts';

function keyOf(name: string, atMs = receivedAtMs, change: (text: string) => string = (text) => text): string {
  const { items } = parseWebhook(change(fixtureText(name)), atMs);
  return dedupeKeyOf(items[0] as InboundMessage | InboundNotice);
}

describe('messages', () => {
  it('are the same by number and wamid, whenever they come', () => {
    expect(keyOf('text')).toBe('880110220330440:wamid.TkQtaW4tMDAwMQ==');
    expect(keyOf('text', receivedAtMs + 86_400_000)).toBe(keyOf('text'));
    expect(keyOf('echo-text')).toBe('880110220330440:wamid.TkQtZWNoby0x');
  });

  it('are not made duplicates by their standby copies', () => {
    expect(keyOf('standby-message')).not.toBe(keyOf('text'));
  });
});

describe('notices', () => {
  it('are the same by field, value and time, and carry 32 hexadecimal digits', () => {
    expect(keyOf('field-account-restriction')).toMatch(/^[0-9a-f]{32}$/);
    expect(keyOf('field-account-restriction', receivedAtMs + 86_400_000)).toBe(
      keyOf('field-account-restriction'),
    );
    expect(keyOf('preference-stop', receivedAtMs + 86_400_000)).toBe(keyOf('preference-stop'));
  });

  it('differ by each of them', () => {
    const original = keyOf('field-template-paused');
    const changed = [
      ['1794000200', '1794000201'],
      ['PAUSED', 'DISABLED'],
      ['message_template_status_update', 'template_status'],
    ].map(([from, to]) =>
      keyOf('field-template-paused', receivedAtMs, (text) => text.replaceAll(from!, to!)),
    );
    expect(new Set([original, ...changed]).size).toBe(4);
  });

  it('without any time are the same within a minute, and news later', () => {
    const startMs = Math.floor(receivedAtMs / 60_000) * 60_000;
    expect(keyOf('handover', startMs + 59_000)).toBe(keyOf('handover', startMs));
    expect(keyOf('handover', startMs + 60_000)).not.toBe(keyOf('handover', startMs));
    expect(keyOf('value-errors', startMs + 60_000)).not.toBe(keyOf('value-errors', startMs));
  });
});
