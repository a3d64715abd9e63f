/**
 * Activities of one's own: slow or paid work that a dialog starts and that runs outside every transaction. What is
 * declared here is refused at definition where it would cost money in the dark: a cost without a rule for the request
 * whose end nobody saw, a lookup that is not there, a limit that allows nothing. Input and output pass their schemas, so a
 * run gets what it was written for, and a dialog gets what it was promised.
 *
 * To add something that an activity can declare, add it to `ActivitySpec`, to `ActivityDeclaration`, and who reads it.
 */
import { limits } from '../limits.ts';
import type { LateRule, OnUncertain } from '../model/ledger.ts';
import {
  type ActivityAnswer,
  ActivityFault,
  type ActivityLookup,
  type ActivityRun,
  type LookedUp,
} from '../ports/activity.ts';
import type { LimitClaim } from '../ports/store.ts';
import type { NumberSettings } from '../ports/tenants.ts';
import { parse, parseNow, SchemaMismatch, type StandardSchema } from '../standard-schema.ts';
import { type ActivityCost, problemOfCost } from './cost.ts';
import { type ActivityDeclaration, DialogRefused } from './dialog.ts';

type Setting<T> = T | ((settings: NumberSettings) => T);

/** A limit of starts, or of money where it says `maxMicros`. Activities that name the same limit share it. */
export type ActivityLimit = {
  name: string;
  per: 'contact' | 'tenant';
  /** Windows lie side by side from 1970 on: a day is a day in UTC. */
  windowMs: number;
} & (
  | { max: Setting<number>; amount?: number; maxMicros?: never }
  /** Judged by what may be spent at most; what a start did not cost is given back. */
  | { maxMicros: Setting<number>; max?: never; amount?: never }
);

export interface ActivitySpec<RawInput, Input, RawOutput, Output> {
  name: string;
  input: StandardSchema<RawInput, Input>;
  output: StandardSchema<RawOutput, Output>;
  /** From the turn that starts it to the end of the last attempt, waiting included. */
  deadlineMs: Setting<number>;
  attemptsMax?: number;
  /** For each request over `context.fetch`: one that hangs leaves time for another attempt. */
  requestTimeoutMs?: number;
  cost?: ActivityCost;
  limits?: readonly ActivityLimit[];
  /** Demanded where there is a cost. */
  onUncertain?: OnUncertain;
  /** `discard` if absent. */
  late?: LateRule;
  run: ActivityRun<Input, RawOutput>;
  lookup?: ActivityLookup<Input, RawOutput>;
}

/** An activity that a step can start: one's own, or one that the runtime has itself. */
export interface NamedActivity<Input = unknown, Output = unknown> extends ActivityDeclaration {
  readonly name: string;
  /** Never there: it carries the types of what a start is given and of what it gives back. */
  readonly types?: { input: Input; output: Output };
}

export interface ActivityDefinition<Input = unknown, Output = unknown> extends NamedActivity<Input, Output> {
  readonly run: ActivityRun;
}

const nameForm = /^[a-zA-Z][\w-]{0,63}$/;

/** @throws DialogRefused */
export function defineActivity<RawInput, Input, RawOutput, Output>(
  spec: ActivitySpec<RawInput, Input, RawOutput, Output>,
): ActivityDefinition<RawInput, Output> {
  const problem = problemOf(spec as unknown as AnySpec);
  if (problem !== null) throw new DialogRefused(`Activity ${spec.name}: ${problem}`);
  const { name, input, output, cost, onUncertain, late, attemptsMax, requestTimeoutMs, lookup } = spec;
  const given = `What activity ${name} was given`;
  return {
    name,
    deadlineMs: (settings) => settingOf(spec.deadlineMs, settings),
    ...(spec.limits === undefined ? {} : { claims: claimsOf(spec.limits, cost) }),
    ...(cost === undefined ? {} : { cost }),
    ...(onUncertain === undefined ? {} : { onUncertain }),
    ...(late === undefined ? {} : { late }),
    ...(attemptsMax === undefined ? {} : { attemptsMax }),
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
    acceptInput: (value) => parseNow(input as StandardSchema<unknown, Input>, value, given),
    run: async (value, context) => {
      const answer = await spec.run(value as Input, context);
      return { ...answer, result: await accept(name, output as AnySchema, answer) };
    },
    ...(lookup === undefined ? {} : { lookup: checkedLookup(name, lookup, output as AnySchema) }),
  };
}

type AnySpec = ActivitySpec<unknown, unknown, unknown, unknown>;

function problemOf({
  name,
  deadlineMs,
  cost,
  onUncertain,
  late,
  lookup,
  attemptsMax,
  limits: own = [],
}: AnySpec): string | null {
  if (!nameForm.test(name))
    return 'its name must begin with a letter and hold letters, digits, - and _ only, at most 64.';
  if (attemptsMax !== undefined && !(Number.isInteger(attemptsMax) && attemptsMax > 0))
    return `attemptsMax must be a whole number over 0, not ${attemptsMax}.`;
  if (typeof deadlineMs === 'number' && !(deadlineMs > 0))
    return `its deadlineMs is ${deadlineMs}. Give it a number over 0.`;
  const problem = problemOfCost({ cost, onUncertain, late, lookup });
  if (problem !== null) return problem;
  for (const limit of own) {
    if (!nameForm.test(limit.name)) return `the limit "${limit.name}" needs a name like that of an activity.`;
    if (limit.per !== 'contact' && limit.per !== 'tenant')
      return `the limit ${limit.name} is per contact or per tenant, not per "${String((limit as { per: unknown }).per)}".`;
    const most = limit.maxMicros ?? limit.max;
    if (typeof most === 'number' && !(most >= 0))
      return `the limit ${limit.name} allows ${most}. Give it a number from 0 on.`;
    if (!(limit.windowMs > 0)) return `the limit ${limit.name} needs a windowMs over 0.`;
    if (limit.maxMicros !== undefined && cost === undefined)
      return `the limit ${limit.name} is of money, and the activity has no cost. Give it a cost, or the limit a max.`;
    if (limit.maxMicros === undefined && !(Number.isInteger(limit.amount ?? 1) && (limit.amount ?? 1) > 0))
      return `the amount of limit ${limit.name} must be a whole number over 0.`;
  }
  return null;
}

function claimsOf(own: readonly ActivityLimit[], cost: ActivityCost | undefined) {
  return (settings: NumberSettings, contactId: string): LimitClaim[] =>
    own.map((limit) => {
      const { name, per, windowMs } = limit;
      const claimed = { limit: name, scope: per === 'contact' ? contactId : '', windowMs };
      return limit.maxMicros === undefined
        ? { ...claimed, max: settingOf(limit.max, settings), amount: limit.amount ?? 1 }
        : {
            ...claimed,
            max: settingOf(limit.maxMicros, settings),
            amount: cost?.amountMicros ?? 0,
            unit: 'micros' as const,
          };
    });
}

function settingOf(setting: Setting<number>, settings: NumberSettings): number {
  return typeof setting === 'function' ? setting(settings) : setting;
}

type AnySchema = StandardSchema<unknown, unknown>;

function checkedLookup<Input>(
  name: string,
  lookup: ActivityLookup<Input>,
  output: AnySchema,
): ActivityLookup {
  return async (input, context): Promise<LookedUp> => {
    const found = await lookup(input as Input, context);
    if (!('result' in found)) return found;
    return { ...found, result: await accept(name, output, found) };
  };
}

/** What does not fit was paid for all the same: the same request would not bring another. */
async function accept(
  name: string,
  schema: AnySchema,
  { result, amountMicros }: ActivityAnswer,
): Promise<unknown> {
  try {
    return await parse(schema, result, `The result of activity ${name}`);
  } catch (error) {
    if (!(error instanceof SchemaMismatch)) throw error;
    throw new ActivityFault({
      code: 'badResult',
      message: error.message,
      retryable: false,
      charged: 'yes',
      ...(amountMicros === undefined ? {} : { amountMicros }),
    });
  }
}

/** Attempts where an activity does not say. */
export function attemptsMaxOf(declaration: ActivityDeclaration | undefined): number {
  return declaration?.attemptsMax ?? limits.activityAttemptsMax;
}
