/**
 * A town whose dialog sells drawings: "draw <what>" starts paid work, "stop" leaves it, everything while it is busy is put
 * off. How the work is declared is up to the test.
 */
import { expect } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { type ActivitySpec, defineActivity } from '#core/dialog/activity.ts';
import { type Dialog, type DialogEvent, defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import type { OnUncertain } from '#core/model/ledger.ts';
import { ActivityFault } from '#core/ports/activity.ts';
import type { LedgerRow } from '#core/ports/store-money.ts';
import { createTown, type Town, type TownOptions } from '../virtual/town.ts';
import { Provider, providerUrl } from './provider.ts';

export const reservedMicros = 40_000;
export const customer = '16505551234';

type Input = { what: string };
type Output = { drawn: string };
type Spec = ActivitySpec<Input, Input, Output, Output>;

const answerSchema = z.object({ drawn: z.string(), costMicros: z.number() });

export function drawing(onUncertain: OnUncertain, over: Partial<Spec> = {}) {
  return defineActivity<Input, Input, Output, Output>({
    name: 'draw',
    input: z.object({ what: z.string() }),
    output: z.object({ drawn: z.string() }),
    deadlineMs: 20_000,
    requestTimeoutMs: 5_000,
    cost: { currency: 'USD', amountMicros: reservedMicros },
    onUncertain,
    async run({ what }, { fetch, idempotencyKey }) {
      const response = await fetch(`${providerUrl}/draw`, {
        ...{ method: 'POST', body: what, headers: { 'idempotency-key': idempotencyKey } },
      });
      if (response.status === 503)
        throw new ActivityFault({
          ...{ code: 'busy', message: 'The provider is busy.', retryable: true, charged: 'no' },
        });
      const { drawn, costMicros } = answerSchema.parse(await response.json());
      return { result: { drawn }, amountMicros: costMicros };
    },
    ...(onUncertain !== 'lookup'
      ? {}
      : {
          async lookup(_, { fetch, idempotencyKey }) {
            const response = await fetch(`${providerUrl}/charges/${encodeURIComponent(idempotencyKey)}`);
            if (response.status === 404) return { charged: 'no' };
            if (response.status !== 200) return { charged: 'unknown' };
            const { drawn, costMicros } = answerSchema.parse(await response.json());
            return { charged: 'yes', result: { drawn }, amountMicros: costMicros };
          },
        }),
    ...over,
  });
}

const textOf = (event: unknown) => (event as DialogEvent).text ?? '';
const begins =
  (word: string) =>
  ({ event }: { event: unknown }) =>
    textOf(event).startsWith(word);
const say = (text: string) => ({ type: 'say' as const, params: { text } });
const outputOf = (event: unknown) => (event as { output: Output }).output.drawn;
const codeOf = (event: unknown) => (event as { error: { code: string } }).error.code;

export function shop(draw: ReturnType<typeof drawing>): Dialog {
  return defineDialog({
    name: 'shop',
    version: 1,
    activities: { draw },
    machine: setup({
      types: { context: {} as { what: string }, events: {} as DialogEvent },
      actors: { draw: fromPromise<Output, Input>(() => Promise.reject(new Error('run by the runtime'))) },
      actions: { ...dialogActions },
    }).createMachine({
      context: { what: '' },
      initial: 'idle',
      states: {
        idle: {
          on: {
            text: [
              {
                guard: begins('draw '),
                target: 'busy',
                actions: assign({ what: ({ event }) => textOf(event).slice('draw '.length) }),
              },
              { actions: say('what shall I draw?') },
            ],
          },
        },
        busy: {
          invoke: {
            src: 'draw',
            input: ({ context }) => ({ what: context.what }),
            onDone: {
              target: 'idle',
              actions: { type: 'say', params: ({ event }) => ({ text: `drawn: ${outputOf(event)}` }) },
            },
            onError: {
              target: 'idle',
              actions: { type: 'say', params: ({ event }) => ({ text: `failed: ${codeOf(event)}` }) },
            },
          },
          on: {
            text: [
              { guard: begins('stop'), target: 'idle', actions: say('stopped') },
              { actions: say('still drawing') },
            ],
          },
        },
      },
    }),
  });
}

export interface PaidTown {
  town: Town;
  provider: Provider;
  /** All entries together. */
  sums(): Promise<Omit<LedgerRow, 'tenantId' | 'contactId' | 'activity' | 'day' | 'currency'>>;
}

export async function createPaidTown(
  draw: ReturnType<typeof drawing>,
  options: TownOptions = {},
): Promise<PaidTown> {
  const provider = new Provider();
  const town = await createTown({
    tenants: [{ id: 'acme', dialog: 'shop' }],
    ...options,
    dialogs: [shop(draw)],
  });
  town.world.serve(providerUrl, (request) => provider.serve(request));
  return { town, provider, sums: () => sumsOf(town) };
}

async function sumsOf({ store }: Town) {
  const { rows, unbalanced } = await store.readLedger({ by: [] });
  expect(unbalanced).toBe(0);
  expect(rows.length).toBeLessThan(2);
  const [row] = rows;
  const { starts = 0, reservedMicros = 0, uncertainMicros = 0 } = row ?? {};
  const { spentMicros = 0, presumedMicros = 0, returnedMicros = 0 } = row ?? {};
  return { starts, reservedMicros, uncertainMicros, spentMicros, presumedMicros, returnedMicros };
}
