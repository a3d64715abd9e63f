/**
 * A whole installation in virtual time whose secrets and customers are canaries, and the judgement that none of them left:
 * not by the log, at any level, nor by a metric; and by a list for operators no secret.
 */
import { inspect } from 'node:util';
import { expect } from 'vitest';
import type { Store } from '#core/ports/store.ts';
import { signBody } from '#pipeline/webhook/signature.ts';
import { createLog } from '#runtime/world/log.ts';
import { inWords, type Told } from '#surface/cli/results.ts';
import { createWebhooks } from '#testing/webhooks.ts';
import { scriptedModel } from '../virtual/models.ts';
import { createTown, type Town, type TownOptions } from '../virtual/town.ts';
import { customers, everything, found, secrets } from './canaries.ts';

export const minuteMs = 60_000;

export function openTown(options: TownOptions = {}): Promise<Town> {
  return createTown({
    tenants: [{ id: 'acme', accessToken: secrets.accessToken }],
    model: (world) => scriptedModel(world, () => ({ text: customers.answer })),
    ...options,
    meta: {
      accessTokens: [secrets.accessToken],
      rules: { serviceWindow: 'off', unknownRecipient: 'create' },
      ...options.meta,
    },
  });
}

export function webhooksOf(town: Town) {
  return createWebhooks({
    phoneNumberId: town.numberOf('acme'),
    wabaId: town.wabaOf('acme'),
    from: { phone: customers.phone, name: customers.name, username: customers.username },
    nowMs: () => town.world.nowMs(),
  });
}

/** A signed body arrives; then time passes. */
export async function receive(town: Town, body: string | Buffer, passMs = minuteMs): Promise<number> {
  const rawBody = Buffer.from(body);
  const signature = signBody('app secret', rawBody);
  const { status } = await town.done(town.nightdesk.webhook.receive({ rawBody, signature }));
  await town.world.advance(passMs);
  return status;
}

export const say = (town: Town, text: string = customers.text, passMs = minuteMs) => {
  const webhooks = webhooksOf(town);
  const wamid = `wamid.${town.world.nowMs()}${text.length}`;
  return receive(town, webhooks.body([webhooks.text({ text, wamid })]), passMs);
};

/** Lines as a server prints them, at every level. */
export function printed(town: Town, pretty: boolean): string {
  let out = '';
  const log = createLog({ level: 'debug', pretty, write: (line) => (out += line) });
  for (const { level, fields, message } of town.world.logged) log[level](fields, message);
  return out;
}

const lists: [Told, Record<string, unknown>][] = [
  ['flags.list', {}],
  ['deadletters.list', {}],
  ['sends.list', {}],
  ['sends.list', { states: ['queued', 'sending', 'uncertain', 'accepted', 'held', 'failed', 'refused'] }],
];
const withoutWords: [Told, Record<string, unknown>][] = [
  ['tenants.list', {}],
  ['quarantine.list', {}],
  ['audit', {}],
];

/** Nothing of the canaries has left, by the log, the metrics or a list; for a person and for a program. */
export async function expectClean(town: Town): Promise<void> {
  expect(town.world.logged.length).toBeGreaterThan(0);
  const said: [string, string, Readonly<Record<string, string>>][] = [
    ['the fields of the log', inspect(town.world.logged, { depth: null, maxStringLength: null }), everything],
    ['the log', printed(town, false), everything],
    ['the log for a person', printed(town, true), everything],
    ['metrics', await town.nightdesk.metrics.text(), everything],
  ];
  for (const [name, args] of [...lists, ...withoutWords]) {
    const result = await town.command(name, args);
    const values = lists.some(([each]) => each === name) ? secrets : everything;
    said.push([name, JSON.stringify(result), values], [name, inWords(name, result), values]);
  }
  expect(said.map(([where, text, values]) => [where, found(text, values)])).toEqual(
    said.map(([where]) => [where, []]),
  );
}

export const logged = (town: Town) => town.world.logged.map(({ message }) => message).join('\n');

/** A store whose operation fails some times with what was to be stored in its error. */
export function failing(
  operation: keyof Store,
  make: (row: string) => unknown,
  times: number,
): (store: Store) => Store {
  let left = times;
  return (store) =>
    new Proxy(store, {
      get(target, name: keyof Store) {
        const method = target[name];
        if (name !== operation || typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          if (left-- <= 0) return Reflect.apply(method, target, args);
          const row = `${JSON.stringify(args)} ${customers.text} ${customers.phone} ${secrets.accessToken}`;
          return Promise.reject(make(row));
        };
      },
    });
}
