/** The check of the callback address: the challenge comes back untouched, or nothing does. */
import { describe, expect, it } from 'vitest';
import { answerHandshake } from '#pipeline/webhook/handshake.ts';

const query = {
  'hub.mode': 'subscribe',
  'hub.verify_token': 'one',
  'hub.challenge': '0012345678901234567890',
};

describe('answerHandshake', () => {
  it('hands the challenge back as it came, for any of the tokens', () => {
    for (const tokens of [['one'], ['two', 'one'], ['', 'one']]) {
      expect(answerHandshake(query, tokens)).toEqual({
        status: 200,
        body: '0012345678901234567890',
        contentType: 'text/plain',
      });
    }
    const odd = { ...query, 'hub.challenge': '<b>&' };
    expect(answerHandshake(odd, ['one'])).toMatchObject({ body: '<b>&', contentType: 'text/plain' });
  });

  it.each([
    ['another token', query, ['two']],
    ['no token configured', query, []],
    ['an empty token configured and given', { ...query, 'hub.verify_token': '' }, ['']],
    ['a token that only begins alike', { ...query, 'hub.verify_token': 'one1' }, ['one']],
    ['another mode', { ...query, 'hub.mode': 'unsubscribe' }, ['one']],
    ['no challenge', { ...query, 'hub.challenge': undefined }, ['one']],
    ['a token given twice', { ...query, 'hub.verify_token': ['one', 'one'] }, ['one']],
    ['nothing', {}, ['one']],
  ])('refuses %s', (_what, given, tokens) => {
    const answer = answerHandshake(given, tokens);
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('hub.verify_token');
    expect(answer.body).not.toContain('one1');
  });
});
