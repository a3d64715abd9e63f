/**
 * A dialog that sells paid work: by a text or by a tap on an offer, under each rule for uncertain requests, with limits
 * that are shared by all of it. While it waits it notes what else is said, and answers all of it at the end; it may be told
 * to stop, lose patience, or hear of a payment. To add work under another rule, add it to `rules` and to the plan's verbs.
 */
import { assign, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { type ActivityDefinition, defineActivity } from '#core/dialog/activity.ts';
import {
  type Dialog,
  type DialogEvent,
  defineDialog,
  dialogActions,
  dialogGuards,
} from '#core/dialog/dialog.ts';
import type { LateRule, OnUncertain } from '#core/model/ledger.ts';
import { buttons } from '#core/model/send-builders/index.ts';
import { type ActivityContext, ActivityFault, type LookedUp } from '#core/ports/activity.ts';
import type { PaidPlan } from './plan.ts';

export const providerUrl = 'http://provider.test';
export const reservedMicros = 100;
const currency = 'USD';
/** What all paid work of a shop shares. */
export const contactLimit = 'works';
export const tenantLimit = 'budget';

interface Work {
  onUncertain: OnUncertain;
  late: LateRule;
}

const names = ['key', 'look', 'flag', 'twice', 'print'] as const;
type Name = (typeof names)[number];

/** A provider that knows no keys must not be asked again under one. */
export const workOf = ({ honoursKeys }: PaidPlan): Readonly<Record<Name, Work>> => ({
  key: { onUncertain: honoursKeys ? 'retryWithKey' : 'settleAndFlag', late: 'discard' },
  look: { onUncertain: 'lookup', late: 'discard' },
  flag: { onUncertain: 'settleAndFlag', late: 'discard' },
  twice: { onUncertain: 'retryMayPayTwice', late: 'discard' },
  print: { onUncertain: honoursKeys ? 'retryWithKey' : 'lookup', late: 'reuse' },
});

const input = z.object({ what: z.string() });
const output = z.object({ picture: z.string() });
type Input = z.infer<typeof input>;
type Output = z.infer<typeof output>;

const answer = z.object({ picture: z.string(), amountMicros: z.number() });
const lost = z.object({ amountMicros: z.number() });

async function ask(name: Name, { what }: Input, context: ActivityContext) {
  const { fetch, idempotencyKey, tenantId } = context;
  const headers = { 'idempotency-key': idempotencyKey, 'x-tenant': tenantId };
  const body = JSON.stringify({ activity: name, what });
  const response = await fetch(`${providerUrl}/work`, { method: 'POST', headers, body });
  const fault = (code: string, retryable: boolean, charged: 'no' | 'maybe') =>
    new ActivityFault({ code, message: `The provider answered ${response.status}.`, retryable, charged });
  if (response.status === 503) throw fault('busy', true, 'no');
  if (response.status === 400) throw fault('unwanted', false, 'no');
  if (response.status !== 200) throw fault('failed', true, 'maybe');
  const { picture, amountMicros } = answer.parse(await response.json());
  return { result: { picture }, amountMicros };
}

async function lookUp({ fetch, idempotencyKey, tenantId }: ActivityContext): Promise<LookedUp<Output>> {
  const response = await fetch(`${providerUrl}/charges/${encodeURIComponent(idempotencyKey)}`, {
    headers: { 'x-tenant': tenantId },
  });
  if (response.status === 404) return { charged: 'no' };
  if (response.status === 410) return { charged: 'yes', lost: true, ...lost.parse(await response.json()) };
  if (response.status !== 200) return { charged: 'unknown' };
  const { picture, amountMicros } = answer.parse(await response.json());
  return { charged: 'yes', result: { picture }, amountMicros };
}

function activityOf(name: Name, plan: PaidPlan): ActivityDefinition<Input, Output> {
  const { windowMs } = plan;
  const { onUncertain, late } = workOf(plan)[name];
  return defineActivity<Input, Input, Output, Output>({
    ...{ name, input, output, onUncertain, late },
    deadlineMs: plan.deadlineMs,
    attemptsMax: plan.attemptsMax,
    requestTimeoutMs: plan.requestTimeoutMs,
    cost: { currency, amountMicros: reservedMicros },
    limits: [
      { name: contactLimit, per: 'contact', windowMs, max: plan.perContactMax },
      { name: tenantLimit, per: 'tenant', windowMs, maxMicros: plan.perTenantMicrosMax },
    ],
    run: (given, context) => ask(name, given, context),
    ...(onUncertain === 'lookup' && { lookup: (_: Input, context: ActivityContext) => lookUp(context) }),
  });
}

interface Waiting {
  /** The customer's words that want an answer. */
  words: string[];
  /** What was answered: a hand-back or a merge may bring it again. */
  answered: string[];
  what: string;
}
interface Waited {
  context: Waiting;
}

const answeredMax = 200;

const textOf = (event: unknown) => (event as DialogEvent).text ?? '';
const wordsOf = (event: unknown) => textOf(event).match(/\bw\d+\b/g) ?? [];
const begins =
  (word: string) =>
  ({ event }: { event: unknown }) =>
    textOf(event).startsWith(`${word} `);
/** What a payment is thanked with answers nothing that a customer said. */
const thanks = {
  type: 'say' as const,
  params: ({ event }: { event: unknown }) => ({
    text: `thanks: ${(event as { data: { fact: string } }).data.fact}`,
    answersThrough: 0,
  }),
};
/** What can be tapped, in the order of the buttons. */
const offered = ['key', 'twice', 'print'] as const satisfies readonly Name[];
const said = (how: string, { words }: Waiting) => `${how}: ${words.join(' ') || 'what you want'}`;
/** Says all words that want an answer, those of this message among them. */
const answerAll = (how: string) => [
  'note' as const,
  { type: 'say' as const, params: ({ context }: Waited) => ({ text: said(how, context) }) },
  'answered' as const,
];
const offer = [
  'note' as const,
  {
    type: 'say' as const,
    params: ({ context }: Waited) => ({
      body: buttons({
        body: said('told', context),
        buttons: offered.map((id) => ({ id, title: `Make a ${id}` })),
      }),
    }),
  },
  'answered' as const,
];
const facts = { 'business.paid': { actions: thanks }, 'business.broken': { actions: 'breaks' as const } };

function busyWith(name: Name, { patienceMs }: PaidPlan) {
  return {
    invoke: {
      src: name,
      id: name,
      input: ({ context }: Waited) => ({ what: context.what }),
      onDone: { target: 'idle', actions: answerAll('made') },
      onError: { target: 'idle', actions: answerAll('failed') },
    },
    after: { [patienceMs]: { target: 'idle', actions: answerAll('slow') } },
    on: {
      ...facts,
      text: [
        { guard: begins('stop'), target: 'idle', actions: answerAll('stopped') },
        { actions: 'note' as const },
      ],
      '*': { actions: 'note' as const },
    },
  };
}

export function createShop(plan: PaidPlan): Dialog {
  const activities = Object.fromEntries(names.map((name) => [name, activityOf(name, plan)]));
  const actor = fromPromise<Output, Input>(() => Promise.reject(new Error('run by the runtime')));
  const text = [
    ...names.map((name) => ({
      guard: begins(name),
      target: name,
      actions: ['note' as const, 'want' as const],
    })),
    { guard: begins('offer'), target: 'offered', actions: offer },
    { guard: begins('break'), actions: 'breaks' as const },
    { actions: answerAll('told') },
  ];
  const button = offered.map((option) => ({
    ...{
      guard: { type: 'chose' as const, params: { option } },
      target: option,
      actions: 'wantTapped' as const,
    },
  }));
  const machine = setup({
    types: { context: {} as Waiting, events: {} as DialogEvent },
    actors: { key: actor, look: actor, flag: actor, twice: actor, print: actor },
    guards: dialogGuards,
    actions: {
      ...dialogActions,
      note: assign({
        words: ({ context: { words, answered }, event }) => [
          ...new Set([...words, ...wordsOf(event).filter((word) => !answered.includes(word))]),
        ],
      }),
      answered: assign({
        words: [],
        answered: ({ context: { words, answered } }) => [...answered, ...words].slice(-answeredMax),
      }),
      // Prints are all alike, so that one that came too late is good for the next.
      want: assign({
        what: ({ event }) => (begins('print')({ event }) ? 'print' : (wordsOf(event)[0] ?? 'that')),
      }),
      wantTapped: assign({ what: 'print' }),
      breaks: assign(() => {
        throw new Error('a fault of the dialog');
      }),
    },
  });
  return defineDialog({
    name: 'shop',
    version: 1,
    activities,
    machine: machine.createMachine({
      context: { words: [], answered: [], what: '' },
      initial: 'idle',
      states: {
        // Listens to taps, too: it is the buttons that say whether they are still good.
        idle: { on: { ...facts, text, button } },
        offered: { on: { ...facts, text, button } },
        key: busyWith('key', plan),
        look: busyWith('look', plan),
        flag: busyWith('flag', plan),
        twice: busyWith('twice', plan),
        print: busyWith('print', plan),
      },
    }),
  });
}
