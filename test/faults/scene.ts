/**
 * The town of a fault: the real server with waits that are short enough for a test, customers, and the judgement that all
 * cases share: what was acknowledged was answered once or is held with a flag, and `nightdesk audit` agrees.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { AuditReport } from '#core/ports/store-operators.ts';
import { webhook } from '#testing/webhooks.ts';
import { type Ended, until } from '../proof/server-process.ts';
import { buildTown, seeded, type Town, type TownOptions } from '../proof/town.ts';
import { judge, lookIntoFile, tokenOf, type Verdict } from '../proof/verdict.ts';
import { patienceMs } from './fault.ts';

/** The rules are those of the defaults; only the waits are shorter. */
export const shortWaits = {
  leaseTtlMs: 2_000,
  sendWriteMaxMs: 500,
  attemptAgeMaxMs: 500,
  sweepEveryMs: 500,
  graphTimeoutMs: 1_500,
  uncertainWindowMs: 1_500,
  uncertainWindowAfterErrorMs: 1_000,
  uncertainCapMs: 3_000,
  storeRetryMaxMs: 250,
  circuitOpenMs: 1_000,
};

/** `bin/nightdesk start` with ports that can be broken. */
export const breakableServer = [
  process.execPath,
  '--conditions=nightdesk-source',
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('./breakable-server.ts', import.meta.url)),
];

export async function buildScene(options: Partial<TownOptions> = {}): Promise<Scene> {
  const town = await buildTown({
    tenants: 1,
    contacts: 12,
    random: seeded(7),
    modelLatencyMs: { minMs: 20, maxMs: 60 },
    ...options,
    server: { limits: shortWaits, ...options.server },
  });
  return new Scene(town);
}

/** Builds a scene, plays in it and takes it away, however the play ends. */
export async function inScene(
  options: Partial<TownOptions>,
  play: (scene: Scene) => Promise<string>,
): Promise<string> {
  const scene = await buildScene(options);
  try {
    return await play(scene);
  } finally {
    await scene.close();
  }
}

export class Scene {
  readonly town: Town;
  #said = 0;
  #knocks = 0;

  constructor(town: Town) {
    this.town = town;
  }

  get server(): Town['server'] {
    return this.town.server;
  }

  get control(): Town['simulator']['control'] {
    return this.town.simulator.control;
  }

  /** Customers write one message each, from the first contact on; returns the tokens that their answers will carry. */
  async say(count: number): Promise<string[]> {
    const tokens: string[] = [];
    for (let i = 0; i < count; i++) {
      const index = this.#said % this.town.contacts.length;
      const contact = this.town.contacts[index];
      if (contact === undefined) throw new Error('The town has no contacts.');
      const token = tokenOf(index, this.#said);
      tokens.push(token);
      this.#said += 1;
      const { phoneNumberId, id } = contact;
      await this.control.say({ phoneNumberId, contact: id, type: 'text', text: `hello ${token}` });
    }
    return tokens;
  }

  get acknowledged(): number {
    return this.town.simulator.meta.said.filter(({ acknowledgedAtMs }) => acknowledgedAtMs !== null).length;
  }

  answered(token: string): boolean {
    return this.town.simulator.meta.accepted.some(({ text }) => text?.includes(token) === true);
  }

  async allAnswered(tokens: readonly string[], withinMs = patienceMs): Promise<void> {
    const isDone = await until(() => tokens.every((token) => this.answered(token)), withinMs);
    const missing = tokens.filter((token) => !this.answered(token));
    expect(isDone ? [] : missing, `answers; the log says:\n${this.server.log.slice(-3_000)}`).toEqual([]);
  }

  /** Waits until the log has a line that fits. */
  async logged(pattern: RegExp, withinMs = patienceMs): Promise<void> {
    await until(() => pattern.test(this.server.log), withinMs);
    expect(this.server.log.slice(-6_000)).toMatch(pattern);
  }

  /** Waits until everything has come to an end, and judges all of the run. */
  async judge(withinMs = patienceMs): Promise<Verdict> {
    const all = await until(() => this.acknowledged === this.town.simulator.meta.said.length, withinMs);
    let audit = await this.#audit();
    await until(async () => {
      audit = await this.#audit();
      return audit.underWay === 0;
    }, withinMs);
    const { said, accepted } = this.town.simulator.meta;
    const verdict = await judge(said, accepted, lookIntoFile(this.server.databasePath));
    const { answeredTwice, lost, outOfOrder } = verdict;
    const { missing, underWay, provenDuplicates } = audit;
    expect(
      { all, answeredTwice, lost, outOfOrder, missing, underWay, provenDuplicates },
      `the log says:\n${this.server.log.slice(-6_000)}`,
    ).toEqual({
      ...{ all: true, answeredTwice: [], lost: [], outOfOrder: [] },
      ...{ missing: [], underWay: 0, provenDuplicates: 0 },
    });
    return verdict;
  }

  #audit(): Promise<AuditReport> {
    return this.server.command<AuditReport>('audit', { days: 2 });
  }

  /** A command line of an operator in the folder of the server. */
  run(...args: string[]): Promise<Ended> {
    return this.server.run(args);
  }

  /** A counter of the server, by the value of its label. */
  async metric(name: string, label: string): Promise<number> {
    const text = await (await fetch(`${this.server.url}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${name}{`) && each.includes(`"${label}"`));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  /** Says what a webhook that Meta signed is answered now. */
  async knock(): Promise<{ status: number; retryAfter: string | null }> {
    this.#knocks += 1;
    const [phoneNumberId] = this.town.numbers;
    const wamid = `wamid.knock${this.#knocks}`;
    const item = webhook.text({ wamid, ...(phoneNumberId === undefined ? {} : { phoneNumberId }) });
    const { body, headers } = webhook.signed(webhook.body([item]), 'app secret');
    const answer = await fetch(`${this.server.url}/webhooks/whatsapp`, { method: 'POST', body, headers });
    return { status: answer.status, retryAfter: answer.headers.get('retry-after') };
  }

  async isReady(): Promise<boolean> {
    return fetch(`${this.server.url}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  async close(): Promise<void> {
    await this.town.close();
  }
}

/** Whether the process is stopped, as Linux tells it. */
export function isStopped(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}

/** `3 answered, 1 held for a person`. */
export function counted({ answered, held }: Verdict): string {
  return held === 0 ? `${answered} answered once` : `${answered} answered once, ${held} held with a flag`;
}
