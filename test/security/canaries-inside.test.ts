/**
 * Canaries through what fails inside: a dialog with the customer's words in its error, a store with the row in its error,
 * commands that meet either. None stands in a log line, a metric or the error of a command.
 */
import { describe, expect, test } from 'vitest';
import { Fault } from '#core/model/faults.ts';
import type { Store } from '#core/ports/store.ts';
import { explain } from '#surface/cli/exit-codes.ts';
import { customers, found, secrets } from './canaries.ts';
import { expectClean, failing, logged, minuteMs, openTown, say } from './canary-town.ts';
import { leaky } from './leaky-dialog.ts';

describe('a dialog crashes with the customer’s words in its error', () => {
  test.each(Object.keys(leaky.ways))('by %s', async (way) => {
    const town = await openTown({
      tenants: [{ id: 'acme', dialog: 'leaky', accessToken: secrets.accessToken }],
      dialogs: [leaky.dialog],
    });
    await say(town, `${way}: ${customers.text}`);
    expect(logged(town)).toContain('An event made its dialog throw');
    expect(await town.flagged('deadLetter')).toBe(1);
    await expectClean(town);
  });
});

describe('a store fails with the row in its error', () => {
  const operations: (keyof Store)[] = [
    'append',
    'recordStatuses',
    'takeConversations',
    'commitTurn',
    'releaseLease',
    'settleActivity',
    'fireTimers',
    'grantSends',
    'grantReceipt',
    'settleSends',
    'resolveUncertain',
    'findWork',
    'renewLeases',
    'readHistory',
    'prune',
    'listIdleHolds',
  ];
  const errors: [string, (row: string) => unknown][] = [
    ['an error', (row) => new Error(`duplicate key value: ${row}`)],
    [
      'an error with a code and a cause',
      (row) =>
        Object.assign(new TypeError(`bad\n    at ${row}`, { cause: new Error(row) }), {
          code: row,
          detail: row,
          name: row,
        }),
    ],
    ['no error at all', (row) => row],
  ];

  test.each(
    operations.flatMap((operation) => errors.map(([what, make]) => [operation, what, make] as const)),
  )('%s with %s', async (operation, _what, make) => {
    const wrapStore = failing(operation, make, 3);
    // The first calls of a start would end it; they are let through.
    let isOpen = false;
    const town = await openTown({
      wrapStore: (store) => {
        const wrapped = wrapStore(store);
        return new Proxy(store, { get: (_target, name: keyof Store) => (isOpen ? wrapped : store)[name] });
      },
    });
    isOpen = true;
    await say(town, customers.text, 3 * minuteMs);
    await say(town, `${customers.text} again`, 3 * minuteMs);
    await expectClean(town);
  });

  test('and a turn whose lease cannot even be given back', async () => {
    const both = (store: Store) =>
      failing(
        'releaseLease',
        (row) => new Error(row),
        9,
      )(
        failing(
          'commitTurn',
          (row) => new Fault('storeUnavailable', `The store is away (${row.length} letters).`),
          999,
        )(store),
      );
    const town = await openTown({ wrapStore: both });
    await say(town);
    expect(logged(town)).toContain('A lease could not be given back');
    await expectClean(town);
  });
});

describe('a command fails', () => {
  const commands: [string, Record<string, unknown>, keyof Store][] = [
    ['flags.list', {}, 'listFlags'],
    ['states.list', {}, 'listStates'],
    ['flags.resolve', { flagId: 'flg_1' }, 'resolveFlags'],
    ['take', {}, 'takeOver'],
    ['reply', { text: customers.operator }, 'replyAsOperator'],
    ['handback', {}, 'handBack'],
    ['transcript', {}, 'readTranscript'],
    ['deadletters.list', {}, 'listDeadLetters'],
    ['deadletters.redrive', { deadLetterId: 'dlt_1' }, 'redriveDeadLetter'],
    ['sends.list', {}, 'listSends'],
    ['sends.resolve', { sendId: 'snd_1', verdict: 'resend' }, 'resolveSend'],
    ['quarantine.list', {}, 'listQuarantine'],
    ['quarantine.redrive', {}, 'listQuarantine'],
    ['audit', {}, 'audit'],
    ['tenants.apply', { file: tenantsFile({}) }, 'applyTenants'],
  ];

  test.each(commands)('%s with the row in the error of the store', async (name, args, operation) => {
    let isOpen = false;
    const wrap = failing(operation, (row) => new Error(row), 1);
    const town = await openTown({
      wrapStore: (store) => {
        const wrapped = wrap(store);
        return new Proxy(store, { get: (_target, key: keyof Store) => (isOpen ? wrapped : store)[key] });
      },
    });
    await say(town);
    isOpen = true;
    const ref = await town.ref(customers.phone);
    const error = await failureOf(() => town.command(name, { ...ref, by: customers.by, ...args }));
    expect(String(error)).toContain(customers.phone);
    expect(explain(error)).toMatch(/^Error at canaries-inside\.test\.ts:\d+\n {4}at /);
    expect(found(explain(error))).toEqual([]);
  });

  test.each([
    ['take', { conversationId: 'cnv_none' }],
    ['handback', {}],
    ['sends.resolve', { sendId: 'snd_none', verdict: 'resend' }],
    ['deadletters.redrive', { deadLetterId: 'dlt_none' }],
    ['reply', { text: '' }],
    ['nothing', { text: customers.text }],
  ])('%s because it may not be done', async (name, args) => {
    const town = await openTown();
    await say(town);
    const ref = await town.ref(customers.phone);
    const error = await failureOf(() => town.command(name, { ...ref, by: customers.by, ...args }));
    expect(error).toBeInstanceOf(Fault);
    expect(found(explain(error))).toEqual([]);
  });

  test.each([
    ['a token that is a number', { accessToken: 5, appSecret: secrets.tenantSecret }],
    ['a key that nobody knows', { acessToken: secrets.accessToken, verifyToken: secrets.tenantVerifyToken }],
    [
      'a number that is none',
      { accessToken: secrets.accessToken, phoneNumbers: [{ id: `+${customers.phone}` }] },
    ],
    ['a secret in the place of settings', { phoneNumbers: [{ id: '1', settings: secrets.accessToken }] }],
    ['a secret in the place of a choice', { holdIdle: secrets.tenantSecret }],
    ['a secret in the place of an id', { id: `${secrets.accessToken} ${secrets.tenantSecret}` }],
    ['no waba', { accessToken: secrets.accessToken, phoneNumbers: [{ id: '1' }] }],
  ])('tenants.apply with %s', async (_what, change) => {
    const town = await openTown();
    const error = await failureOf(() => town.command('tenants.apply', { file: tenantsFile(change) }));
    expect(error).toBeInstanceOf(Fault);
    expect(found(explain(error))).toEqual([]);
  });

  test('an error that nobody foresaw is told without its words, be it what it may', () => {
    const words = `${customers.text} ${secrets.apiKey}`;
    const nameless = Object.assign(new Error(words), { name: words, code: words });
    const stackless = Object.assign(new Error(words), { stack: words });
    const disguised = Object.assign(new Error('a'), {
      stack: `Error: b\n    at ${words}\n    at (/x.ts:1:1)`,
    });
    const nested = new AggregateError([new Error(words)], words, { cause: new Error(words) });
    for (const error of [
      nameless,
      stackless,
      disguised,
      nested,
      words,
      { message: words },
      null,
      undefined,
      5,
    ])
      expect(found(explain(error))).toEqual([]);
  });
});

/** What a command ends with that must not end well. */
async function failureOf(command: () => Promise<unknown>): Promise<unknown> {
  try {
    await command();
  } catch (error) {
    return error;
  }
  throw new Error('The command did not fail.');
}

function tenantsFile(change: object): object {
  const phoneNumbers = [{ id: '100000', wabaId: '20000' }];
  return { tenants: [{ id: 'acme', accessToken: secrets.accessToken, phoneNumbers, ...change }] };
}
