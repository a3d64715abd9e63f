/**
 * What must happen to a send for every code that Meta documents, written down a second time from Meta's pages and not
 * from the table, so that a slip in one of the two shows. Columns: code, documented HTTP status, disposition.
 * In a disposition, `!` calls an operator and `~` remembers the recipient.
 */
import { describe, expect, test } from 'vitest';
import { classifyAnswer, type SendOutcome } from '#pipeline/graph/classify.ts';
import { errorTable, knownRule, ruleFor, scopeOfAction } from '#pipeline/graph/error-table.ts';

const expected = `
0 401 pause tenant !
1 400 uncertain
2 503 uncertain
3 500 pause waba !
4 400 slow app
10 403 pause waba !
33 400 pause number !
100 400 refused !
104 401 pause tenant !
190 401 pause tenant !
200 403 pause tenant !
201 403 pause waba !
250 403 pause waba !
299 403 pause waba !
368 403 pause waba !
613 400 slow app
80007 400 slow waba
130403 400 refused ~
130429 400 slow number
130472 400 refused
130497 403 refused ! ~
130501 400 refused
131000 500 uncertain
131005 403 pause waba !
131008 400 refused
131009 400 refused
131016 500 uncertain
131020 400 refused
131021 400 refused
131026 400 refused ~
131030 400 refused !
131031 403 pause waba !
131037 400 pause number !
131041 400 refused
131042 400 pause waba !
131044 400 refused !
131045 500 pause number !
131047 400 template
131048 400 pause number !
131049 400 refused
131050 400 refused ~
131051 400 refused
131052 400 refused
131053 400 refused
131055 400 refused
131056 400 slow pair
131057 500 slow number
131058 400 refused
131059 400 refused
131062 400 refused
131063 400 refused !
131064 400 refused !
131201 206 refused !
131202 400 refused
131204 400 refused
131207 403 refused !
131208 429 slow number
131209 400 refused
131210 400 refused
131211 400 refused
131212 400 refused
131213 400 refused
131214 400 refused !
131215 400 refused !
132000 400 refused
132001 404 refused !
132005 400 refused
132007 400 refused !
132012 400 refused
132015 400 refused !
132016 400 refused !
132018 400 refused
132068 400 refused !
132069 400 retry
133000 500 refused !
133004 503 uncertain
133005 400 refused !
133006 400 pause number !
133008 400 refused
133009 400 refused
133010 400 pause number !
133015 400 retry
133016 400 refused !
134011 400 refused !
134100 400 refused
134101 400 retry
134102 500 refused !
135000 400 refused
137000 400 refused !
138000 403 refused
138006 400 refused
138018 429 refused
139000 400 refused !
139002 400 refused !
139004 400 refused !
139100 400 refused
139103 400 refused
139200 400 template
147001 400 refused
147005 400 refused
1752041 400 refused
200005 400 refused
200007 400 refused
2388001 400 refused !
2388012 400 refused !
2388091 400 refused !
2388093 400 refused !
2388103 400 refused !
2388019 400 refused !
2388039 400 refused
2388040 400 refused
2388047 400 refused
2388072 400 refused
2388073 400 refused
2388293 400 refused
2388299 400 refused
2388318 400 template
2388330 400 template
2494100 400 slow number
2593079 400 refused
2593085 400 refused
2593107 400 refused !
2593108 400 refused !
2593109 400 refused
`
  .trim()
  .split('\n')
  .map((line) => {
    const [code, status, ...disposition] = line.split(' ');
    return { code: Number(code), status: Number(status), disposition: disposition.join(' ') };
  });

function answerWith(code: number, status: number, more: Record<string, unknown> = {}): SendOutcome {
  const body = JSON.stringify({
    error: { message: `(#${code}) said so`, type: 'OAuthException', code, ...more },
  });
  return classifyAnswer({ status, headers: {}, body });
}

function dispositionOf(outcome: SendOutcome): string {
  const marks = (alert: boolean, suppress: boolean) => `${alert ? ' !' : ''}${suppress ? ' ~' : ''}`;
  switch (outcome.kind) {
    case 'accepted':
    case 'uncertain':
      return outcome.kind;
    case 'refused':
      return (
        (outcome.action === 'template' ? 'template' : 'refused') + marks(outcome.alert, outcome.suppress)
      );
    case 'retryLater': {
      const verb = outcome.pause ? 'pause' : 'slow';
      const what = outcome.scope === 'send' ? 'retry' : `${verb} ${outcome.scope}`;
      return what + marks(outcome.alert, false);
    }
  }
}

describe('every documented code', () => {
  test.each(expected)('$code at $status: $disposition', ({ code, status, disposition }) => {
    expect(dispositionOf(answerWith(code, status))).toBe(disposition);
  });

  test('the table has no code that is not listed here, and the other way round', () => {
    const listed = new Set(expected.map(({ code }) => code));
    const unlisted = errorTable.filter((rule) => {
      const codes = [...listed].filter(
        (code) => code >= rule.code && code <= (rule.throughCode ?? rule.code),
      );
      return codes.length === 0 || !listed.has(rule.code);
    });
    expect(unlisted).toEqual([]);
    for (const code of listed) expect(knownRule(code), String(code)).toBeDefined();
  });
});

describe('the table itself', () => {
  test('is in order, has no code twice, and each scope follows from the action', () => {
    const codes = errorTable.map((rule) => rule.code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const rule of errorTable) {
      expect(rule.scope).toBe(scopeOfAction[rule.action]);
      expect(rule.throughCode ?? rule.code + 1).toBeGreaterThan(rule.code);
    }
  });

  test('only these codes do not promise that nothing was accepted', () => {
    expect(errorTable.filter((rule) => rule.uncertain).map((rule) => rule.code)).toEqual([
      1, 2, 131000, 131016, 133004,
    ]);
  });

  test('ranges end where they end, and an exact row wins', () => {
    expect([137999, 138000, 138018, 138019].map((code) => knownRule(code)?.code)).toEqual([
      undefined,
      138000,
      138000,
      undefined,
    ]);
    expect(knownRule(300)).toBeUndefined();
    expect(knownRule(139005)).toBeUndefined();
    expect(knownRule(147006)).toBeUndefined();
    expect(knownRule(200)?.action).toBe('pauseTenant');
    expect(knownRule(201)?.action).toBe('pauseWaba');
  });

  test('a recipient is suppressed with care: undeliverable only after several, opting out only for marketing', () => {
    expect(knownRule(131026)?.suppressWhen).toBe('several');
    expect(knownRule(131050)?.suppressWhen).toBe('marketing');
    expect(knownRule(130403)?.suppressWhen).toBeUndefined();
  });
});

describe('codes that nobody knows yet', () => {
  test.each([
    [131999, 400, {}, 'refused !'],
    [130999, 403, {}, 'refused !'],
    [131999, 400, { is_transient: true }, 'uncertain'],
    [131999, 500, {}, 'uncertain'],
    [131999, 503, { is_transient: false }, 'uncertain'],
    [131999, 429, {}, 'slow number'],
    [5, 200, {}, 'uncertain'],
    [5, 302, {}, 'refused !'],
  ])('%i at %i with %j: %s', (code, status, more, disposition) => {
    expect(dispositionOf(answerWith(code, status, more))).toBe(disposition);
  });

  test('the rule for one is made, not found', () => {
    expect(knownRule(131999)).toBeUndefined();
    expect(ruleFor({ code: 131999, httpStatus: 400, isTransient: false })).toMatchObject({
      action: 'stop',
      alert: true,
    });
  });
});

describe('a known code at another status', () => {
  test.each([
    [130429, 429, 'slow number'],
    [4, 429, 'slow app'],
    [131056, 429, 'slow pair'],
    [190, 400, 'pause tenant !'],
    [1, 500, 'uncertain'],
    [2, 400, 'uncertain'],
    [131000, 400, 'uncertain'],
    [131057, 400, 'slow number'],
    [131009, 500, 'uncertain'],
    [130429, 503, 'uncertain'],
    [100, 200, 'uncertain'],
  ])('%i at %i: %s', (code, status, disposition) => {
    expect(dispositionOf(answerWith(code, status))).toBe(disposition);
  });
});
