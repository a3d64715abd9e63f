import { describe, expect, test } from 'vitest';
import { reaction, readReceipt, text } from '#core/model/send-builders/index.ts';
import { badSendOf } from './samples.ts';

describe('text', () => {
  test('builds the body that Meta takes', () => {
    expect(text('hi')).toEqual({ type: 'text', text: { body: 'hi' } });
    expect(text('see https://example.com', { previewUrl: true })).toEqual({
      type: 'text',
      text: { body: 'see https://example.com', preview_url: true },
    });
    expect(text('hi', { previewUrl: false })).toEqual({
      type: 'text',
      text: { body: 'hi', preview_url: false },
    });
  });

  test('counts code points: 4,096 of them pass, one more does not', () => {
    expect(text('😀'.repeat(4_096)).type).toBe('text');
    const bad = badSendOf(() => text('😀'.repeat(4_097)));
    expect(bad).toMatchObject({ name: 'BadSend', field: 'text.body', limit: 4_096, actual: 4_097 });
    expect(bad.message).toContain('at most 4096');
    expect(bad.message).not.toContain('😀');
  });

  test.each(['', ' ', '\n\t ', '\u0000'])('an empty text is refused: %j', (body) => {
    expect(badSendOf(() => text(body))).toMatchObject({ field: 'text.body', limit: 1, actual: 0 });
  });

  test('what no phone can show is left out', () => {
    expect(text('a\u0000b\ud83d')).toEqual({ type: 'text', text: { body: 'ab\ufffd' } });
  });
});

describe('reaction', () => {
  test('one emoji, however many code points it has; none takes it back', () => {
    expect(reaction({ wamid: 'wamid.A', emoji: '👩‍👩‍👧‍👦' })).toEqual({
      type: 'reaction',
      reaction: { message_id: 'wamid.A', emoji: '👩‍👩‍👧‍👦' },
    });
    expect(reaction({ wamid: 'wamid.A', emoji: '' })).toEqual({
      type: 'reaction',
      reaction: { message_id: 'wamid.A', emoji: '' },
    });
  });

  test('two emojis, or no message to react to, are refused', () => {
    const two = badSendOf(() => reaction({ wamid: 'wamid.A', emoji: '👍🏽❤️' }));
    expect(two).toMatchObject({ field: 'reaction.emoji', limit: 1, actual: 2 });
    expect(badSendOf(() => reaction({ wamid: '', emoji: '👍' }))).toMatchObject({
      field: 'reaction.message_id',
      actual: 0,
    });
  });
});

test('a read receipt, with the typing dots or without', () => {
  expect(readReceipt('wamid.A', { typing: true })).toEqual({
    status: 'read',
    message_id: 'wamid.A',
    typing_indicator: { type: 'text' },
  });
  expect(readReceipt('wamid.A', { typing: false })).toEqual({ status: 'read', message_id: 'wamid.A' });
  expect(badSendOf(() => readReceipt('', { typing: true }))).toMatchObject({
    field: 'message_id',
    limit: 1,
    actual: 0,
  });
});
