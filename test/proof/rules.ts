/**
 * The other rules, over real HTTP and real time: a model that hangs, a tenant that is limited, short messages that become
 * one answer. Figures are printed by `npm run proof`; the same rules are asserted in virtual time in `test/virtual/`.
 */
import { DatabaseSync } from 'node:sqlite';
import type { AcceptedSend } from '#simulator/index.ts';
import { until } from './server-process.ts';
import { buildTown, seeded, type Town, type TownContact } from './town.ts';

export interface Check {
  rule: string;
  figure: string;
  reached: boolean;
}

const median = (values: number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function say(town: Town, contact: TownContact | undefined, text: string): Promise<void> {
  if (contact !== undefined)
    await town.simulator.control.say({
      phoneNumberId: contact.phoneNumberId,
      contact: contact.id,
      type: 'text',
      text,
    });
}

/** Time from a message being said to the first accepted send whose text fits. */
function answerMs(town: Town, text: string, fits: (send: AcceptedSend) => boolean): number {
  const said = town.simulator.meta.said.find((message) => message.text === text);
  const send = town.simulator.meta.accepted.find((each) => each.contactKey === said?.contactId && fits(each));
  return said === undefined || send === undefined ? Number.POSITIVE_INFINITY : send.atMs - said.atMs;
}

/** A model that hangs for some: fallback and flag for them at the deadline, no delay for anybody else. */
export async function checkHang(options: { replyTimeoutMs: number; hanging: number }): Promise<Check[]> {
  const town = await buildTown({
    tenants: 2,
    contacts: 120,
    random: seeded(2),
    modelLatencyMs: { minMs: 100, maxMs: 100 },
    settings: { replyTimeoutMs: options.replyTimeoutMs },
  });
  try {
    const own = town.contacts.filter((contact) => contact.tenantId === 'tenant-0');
    const other = town.contacts.filter((contact) => contact.tenantId === 'tenant-1');
    for (let i = 0; i < options.hanging; i++) await say(town, own[i], `!hang ${i}`);
    for (let i = 0; i < 10; i++) {
      await say(town, own[options.hanging + i], `own ${i}`);
      await say(town, other[i], `other ${i}`);
    }
    await until(
      () => town.simulator.meta.accepted.length >= options.hanging + 20,
      options.replyTimeoutMs + 30_000,
    );
    const fallbacks = Array.from({ length: options.hanging }, (_, i) =>
      answerMs(town, `!hang ${i}`, (send) => send.text?.startsWith('We received your message') === true),
    );
    const own10 = Array.from({ length: 10 }, (_, i) => answerMs(town, `own ${i}`, () => true));
    const other10 = Array.from({ length: 10 }, (_, i) => answerMs(town, `other ${i}`, () => true));
    const flags = await town.server.command<{ reason: string }[]>('flags.list');
    const timeouts = flags.filter((flag) => flag.reason === 'replyTimeout').length;
    return [
      {
        rule: `fallback text by ${options.replyTimeoutMs} ms + 500 ms for ${options.hanging} hanging calls`,
        figure: `slowest ${Math.max(...fallbacks)} ms`,
        reached: Math.max(...fallbacks) <= options.replyTimeoutMs + 500,
      },
      {
        rule: 'each of them flagged for a person',
        figure: `${timeouts} flags`,
        reached: timeouts === options.hanging,
      },
      {
        rule: 'other conversations of the tenant and other tenants undelayed',
        figure: `medians ${median(own10)} and ${median(other10)} ms with a model of 100 ms`,
        reached: Math.max(median(own10), median(other10)) < 1_000,
      },
    ];
  } finally {
    await town.close();
  }
}

/** A burst to a limited tenant: all answered, never above the pace, and nobody else notices. */
export async function checkPace(options: {
  messages: number;
  overMs: number;
  perSecond: number;
  /** Customers of another tenant who write one after the other, before the burst and again beside it; 30 if absent. */
  others?: number;
}): Promise<Check[]> {
  const { others = 30 } = options;
  const town = await buildTown({
    tenants: 2,
    contacts: options.messages * 2,
    random: seeded(3),
    modelLatencyMs: { minMs: 300, maxMs: 300 },
    settings: { receipts: 'none' },
    tenantLimits: (tenant): Record<string, number> =>
      tenant === 0 ? { sendsPerSecondMax: options.perSecond } : {},
  });
  try {
    const limited = town.contacts.filter((contact) => contact.tenantId === 'tenant-0');
    const other = town.contacts.filter((contact) => contact.tenantId === 'tenant-1');
    const quietMs = await measureOther(town, other.slice(0, others), 'quiet');
    const beginMs = Date.now();
    const burst = (async () => {
      for (let i = 0; i < options.messages; i++) {
        await until(() => Date.now() - beginMs >= (i / options.messages) * options.overMs, 10_000);
        await say(town, limited[i], `burst ${i}`);
      }
    })();
    const loadedMs = await measureOther(town, other.slice(others, 2 * others), 'loaded');
    await burst;
    const ours = () =>
      town.simulator.meta.accepted.filter((send) => send.phoneNumberId === limited[0]?.phoneNumberId);
    const all = await until(
      () => ours().length >= options.messages,
      (options.messages / options.perSecond) * 1_500 + 10_000,
    );
    const most = mostInAnySecond(ours().map((send) => send.atMs));
    const mostGranted = mostInAnySecond(grantTimes(town, 'tenant-0'));
    const allowed = options.perSecond + Math.max(1, options.perSecond / 10);
    return [
      {
        rule: `${options.messages} messages in ${options.overMs} ms to a tenant of ${options.perSecond}/s: all answered`,
        figure: `${ours().length} answered`,
        reached: all,
      },
      {
        rule: `no window of 1,000 ms holds more than ${allowed}, as they arrive`,
        figure: `at most ${most}`,
        reached: most <= allowed,
      },
      {
        rule: "another tenant's median not worse than 1.2 times its quiet value or 20 ms",
        figure: `${quietMs} ms quiet, ${loadedMs} ms beside the burst`,
        reached: loadedMs <= Math.max(quietMs * 1.2, quietMs + 20),
      },
      {
        rule: `no window of 1,000 ms holds more than ${allowed}, as the store let them go`,
        figure: `at most ${mostGranted}`,
        reached: mostGranted > 0 && mostGranted <= allowed,
      },
    ];
  } finally {
    await town.close();
  }
}

async function measureOther(town: Town, contacts: TownContact[], word: string): Promise<number> {
  for (const [i, contact] of contacts.entries()) {
    await say(town, contact, `${word} ${i}`);
    await until(
      () => town.simulator.meta.accepted.some((send) => send.text?.includes(`${word} ${i}`)),
      10_000,
    );
  }
  return median(contacts.map((_, i) => answerMs(town, `${word} ${i}`, () => true)));
}

/** When the sends of a tenant were let go. A machine that stands still for a moment does not change that, but when they arrive. */
function grantTimes(town: Town, tenantId: string): number[] {
  const db = new DatabaseSync(town.server.databasePath, { readOnly: true });
  try {
    const rows = db.prepare('SELECT sending_at_ms AS atMs FROM send WHERE tenant_id = ?').all(tenantId);
    return (rows as { atMs: number | null }[]).flatMap(({ atMs }) => atMs ?? []);
  } finally {
    db.close();
  }
}

/** The most that any half-open window of 1,000 ms holds. */
function mostInAnySecond(times: number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while ((sorted[last] ?? 0) - (sorted[first] ?? 0) >= 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** Five short messages within two seconds and a quiet time: one model call, one answer. */
export async function checkCoalescing(): Promise<Check[]> {
  const town = await buildTown({
    tenants: 1,
    contacts: 1,
    random: seeded(4),
    modelLatencyMs: { minMs: 50, maxMs: 50 },
    settings: { quietMs: 1_500 },
  });
  try {
    const beginMs = Date.now();
    for (let i = 0; i < 5; i++) {
      await until(() => Date.now() - beginMs >= i * 400, 5_000);
      await say(town, town.contacts[0], `part ${i}`);
    }
    await until(() => town.simulator.meta.accepted.length > 0, 10_000);
    const { calls } = await town.simulator.control.modelStats();
    const { accepted } = town.simulator.meta;
    const whole = Array.from({ length: 5 }, (_, i) => accepted[0]?.text?.includes(`part ${i}`)).every(
      Boolean,
    );
    return [
      {
        rule: '5 short messages within 2 s with quietMs 1500: one model call, one answer',
        figure: `${calls} calls, ${accepted.length} answers`,
        reached: calls === 1 && accepted.length === 1 && whole,
      },
    ];
  } finally {
    await town.close();
  }
}
