/**
 * Canaries through what others answer: Graph and models that fail in every way and quote what they were sent. None stands
 * in a log line or a metric, and no secret in what is kept for the operator.
 */
import { describe, expect, test } from 'vitest';
import { Fault } from '#core/model/faults.ts';
import { ModelFault } from '#core/ports/model.ts';
import type { HttpRequest, HttpResponse } from '#core/ports/world.ts';
import { errorTable } from '#pipeline/graph/error-table.ts';
import { scriptedModel } from '../virtual/models.ts';
import type { Town } from '../virtual/town.ts';
import { customers, found, secrets } from './canaries.ts';
import { expectClean, failing, logged, minuteMs, openTown, receive, say, webhooksOf } from './canary-town.ts';

const graphUrl = 'http://graph.test';

describe('Graph fails and quotes what it was sent', () => {
  /** An answer that repeats the token, the customer and the words. */
  const quoting = (request: HttpRequest) => {
    const quoted = `${request.headers.authorization} ${String(request.body)} ${customers.name}`;
    return { quoted, error: { message: `Malformed: ${quoted}`, type: quoted, error_user_title: quoted } };
  };
  const answering = (town: Town, answer: (request: HttpRequest) => HttpResponse) =>
    town.world.serve(graphUrl, (request) => ({ kind: 'response', response: answer(request), delayMs: 10 }));

  test.each(errorTable.map(({ code }) => code))('with error code %i', async (code) => {
    const town = await openTown();
    answering(town, (request) => {
      const { quoted, error } = quoting(request);
      const body = { error: { ...error, code, fbtrace_id: 'A1', error_data: { details: quoted } } };
      return { status: 400, headers: {}, body: JSON.stringify(body) };
    });
    await say(town, customers.text, 20 * minuteMs);
    expect(logged(town)).toContain('A turn was committed.');
    await expectClean(town);
  });

  test.each([
    [500, 'text'],
    [502, 'json'],
    [401, 'text'],
    [403, 'text'],
    [404, 'text'],
    [407, 'text'],
    [408, 'text'],
    [429, 'json'],
    [302, 'text'],
    [200, 'text'],
    [200, 'json'],
    [204, ''],
  ])('with status %i and %s', async (status, form) => {
    const town = await openTown();
    answering(town, (request) => {
      const { quoted } = quoting(request);
      const body =
        form === 'json' ? JSON.stringify({ said: quoted, messages: quoted }) : form && `<p>${quoted}`;
      return { status, headers: { location: quoted, 'retry-after': quoted }, body };
    });
    await say(town, customers.text, 20 * minuteMs);
    await expectClean(town);
  });

  test.each(['notSent', 'lost', 'hang'] as const)('with no answer: %s', async (kind) => {
    const town = await openTown();
    const answer = kind === 'notSent' ? { kind, code: 'ECONNREFUSED', delayMs: 0 } : { kind, delayMs: 10 };
    town.world.serve(graphUrl, () => answer);
    await say(town, customers.text, 30 * minuteMs);
    await expectClean(town);
  });

  test('with an acceptance that cannot be stored', async () => {
    const refuses = () => new Fault('badData', 'The address cannot be stored.');
    const town = await openTown({ wrapStore: failing('settleSends', refuses, 1) });
    await say(town, customers.text, 5 * minuteMs);
    expect(logged(town)).toContain('The answer to a send cannot be stored as what it is.');
    await expectClean(town);
  });

  test('later, in a status', async () => {
    const town = await openTown();
    const body = JSON.stringify({ messages: [{ id: 'wamid.1' }] });
    answering(town, () => ({ status: 200, headers: {}, body }));
    await say(town);
    const [send] = await town.store.listSends({ states: ['accepted'], max: 1 });
    const w = webhooksOf(town);
    const errors = [
      { code: 131026, title: customers.text, message: customers.name, details: customers.phone },
    ];
    const opaque = send?.sendId ?? '';
    await receive(town, w.body([w.status({ wamid: send?.wamid ?? '', opaque, status: 'failed', errors })]));
    expect((await town.flags()).map(({ reason }) => reason)).toContain('sendFailed');
    await expectClean(town);
  });

  test('and says so to the doctor', async () => {
    const town = await openTown();
    answering(town, (request) => {
      const { error } = quoting(request);
      return { status: 401, headers: {}, body: JSON.stringify({ error: { ...error, code: 190 } }) };
    });
    const findings = JSON.stringify(await town.command('doctor'));
    expect(findings).toContain('error 190');
    expect(found(findings)).toEqual([]);
  });
});

describe('a model fails', () => {
  const quoted = `${customers.text} ${customers.phone} ${secrets.apiKey}`;
  const faults = (
    ['overloaded', 'rateLimited', 'refused', 'badRequest', 'unauthorised', 'network', 'empty'] as const
  ).map((code) => new ModelFault(code, `The model said no (${code}).`, { retryable: code === 'overloaded' }));

  test.each(faults.map((fault) => [fault.code, fault] as const))('with %s', async (_code, fault) => {
    const town = await openTown({ model: (world) => scriptedModel(world, () => fault) });
    await say(town);
    expect(logged(town)).toContain('Activity reply failed.');
    await expectClean(town);
  });

  test.each([
    ['an error that quotes the question', () => Promise.reject(new Error(`cannot answer ${quoted}`))],
    [
      'an error with the request on it',
      () => Promise.reject(Object.assign(new TypeError(quoted), { request: quoted })),
    ],
    ['words instead of an error', () => Promise.reject(quoted)],
    ['an exception before it begins', () => JSON.parse(`{"a": ${quoted}`) as Promise<never>],
    ['an answer that is none', () => Promise.resolve({ text: 5 } as unknown as never)],
    [
      'an answer without words',
      () => Promise.resolve({ text: ' ', usage: { model: 'm', inputTokens: 1, outputTokens: 1 } }),
    ],
    ['silence', () => new Promise<never>(() => {})],
  ])('with %s', async (_what, reply) => {
    const town = await openTown({ model: () => ({ name: 'leaky', reply }) });
    await say(town);
    await expectClean(town);
  });

  test('at hearing a voice note: its errors, its files and its words', async () => {
    for (const fail of [
      () => Promise.reject(new Error(quoted)),
      () => Promise.reject(new ModelFault('badRequest', 'It cannot be heard.', { retryable: false })),
      () => Promise.resolve({ text: customers.transcript }),
    ]) {
      const town = await openTown({
        transcriber: () => ({ name: 'ear', transcribe: fail }),
        meta: { publicUrl: `http://${customers.filename}.test/?token=${secrets.accessToken}` },
      });
      const w = webhooksOf(town);
      await receive(town, w.body([w.voice({ mediaId: '55' }), w.text({ text: customers.text })]));
      await receive(town, w.body([w.voice({ mediaId: '56' })]));
      expect(logged(town)).toContain('failed');
      await expectClean(town);
    }
  });
});
