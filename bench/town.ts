/**
 * One contestant in a town: numbers, contacts, the look-alike of Meta and of a model that needs 0 ms, in this very
 * process; so one clock times both ends, and the look-alike's own share of a core can be told. Contacts are polite: each
 * says its next words when its last ones were answered, so every message gets an answer of its own from everybody.
 */
import { type Simulator, type SimulatorEvent, startSimulator } from '#simulator/index.ts';
import { type Child, pause } from './child.ts';
import { type BusinessNumber, type Contestant, type ContestantOptions, contestants } from './contestants.ts';
import { contactSpecOf, nowMs, setupOf, simulatorOptions } from './simulator-setup.ts';

export interface TownOptions {
  contestant: Contestant;
  /** In the place of how the contestant is usually started. */
  start?: (options: ContestantOptions) => Promise<Child>;
  tenants: number;
  contacts: number;
  sendsPerSecondMax: number;
  profileFolder?: string;
  /** Of Nightdesk alone. */
  observed?: boolean;
  env?: Record<string, string>;
}

export interface Town {
  server: Child;
  simulator: Simulator;
  contacts: readonly Speaker[];
  talk: Talk;
  /** Resolves when every webhook is acknowledged and nothing is due any more; false after the time given. */
  quiet(waitMaxMs: number): Promise<boolean>;
  close(): Promise<void>;
}

const digits = (value: number, length: number) => String(value).padStart(length, '0');

export function numbersOf(tenants: number): BusinessNumber[] {
  return Array.from({ length: tenants }, (_, index) => ({
    id: `1065403522${digits(index, 4)}`,
    wabaId: `1022901293${digits(index, 4)}`,
    displayNumber: `+1 555 07${digits(index, 4)}`,
  }));
}

export async function buildTown(options: TownOptions): Promise<Town> {
  const { contestant, tenants, sendsPerSecondMax, profileFolder, observed, env } = options;
  const numbers = numbersOf(tenants);
  const simulator = await startSimulator({ ...simulatorOptions, setup: setupOf(numbers, sendsPerSecondMax) });
  const start = options.start ?? contestants[contestant].start;
  const asked: ContestantOptions = { simulatorUrl: simulator.url, numbers, sendsPerSecondMax };
  if (profileFolder !== undefined) asked.profileFolder = profileFolder;
  if (observed !== undefined) asked.observed = observed;
  if (env !== undefined) asked.env = env;
  const server = await start(asked).catch(async (error: unknown) => {
    await simulator.close();
    throw error;
  });
  await simulator.control.setup({ webhookUrl: `${server.url}/webhooks/whatsapp` });
  const contacts: Speaker[] = [];
  for (let index = 0; index < options.contacts; index++) {
    const { id } = await simulator.control.createContact(contactSpecOf(index));
    contacts.push({ contact: id, phoneNumberId: numbers[index % numbers.length]!.id });
  }
  const talk = new Talk(simulator, contacts);
  return {
    server,
    simulator,
    contacts,
    talk,
    quiet: (waitMaxMs) => untilQuiet(simulator, waitMaxMs),
    async close() {
      await server.stop();
      talk.close();
      await simulator.close();
    },
  };
}

async function untilQuiet({ meta }: Simulator, waitMaxMs: number): Promise<boolean> {
  const untilMs = performance.now() + waitMaxMs;
  while (performance.now() < untilMs) {
    const { updates, inFlight, retrying, scheduled } = meta.waiting();
    if (updates + inFlight + retrying + scheduled === 0) return true;
    await pause(20);
  }
  return false;
}

export interface Speaker {
  contact: string;
  phoneNumberId: string;
}

interface Said {
  speaker: Speaker;
  saidAtMs: number;
  answeredAtMs: number | null;
}

const token = /<m(\d+)>/g;

/** Who said what when, and when it was answered. */
export class Talk {
  readonly #simulator: Simulator;
  /** Contacts that wait for no answer, longest idle first. */
  readonly #idle: Speaker[];
  readonly #said: Said[] = [];
  readonly #stopListening: () => void;
  #unacknowledged = 0;
  #unanswered = 0;
  #onChange: () => void = () => {};

  constructor(simulator: Simulator, speakers: readonly Speaker[]) {
    this.#simulator = simulator;
    this.#idle = [...speakers];
    this.#stopListening = simulator.meta.log.listen((event) => this.#heard(event));
  }

  close(): void {
    this.#stopListening();
  }

  get unanswered(): number {
    return this.#unanswered;
  }

  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** How many were said so far; what is said next has this index. */
  get count(): number {
    return this.#said.length;
  }

  since(index: number): readonly Readonly<Said>[] {
    return this.#said.slice(index);
  }

  /** Called after each acknowledgement and each answer, when the simulator is done with it. */
  onChange(react: () => void): void {
    let isDue = false;
    this.#onChange = () => {
      if (isDue) return;
      isDue = true;
      setImmediate(() => {
        isDue = false;
        react();
      });
    };
  }

  /** Says as many messages as `wanted`, room and idle contacts allow; returns how many. */
  say(wanted: number, unacknowledgedMax = Number.POSITIVE_INFINITY): number {
    const speakers = this.#idle.splice(
      0,
      Math.max(0, Math.min(wanted, unacknowledgedMax - this.#unacknowledged)),
    );
    if (speakers.length === 0) return 0;
    this.#unacknowledged += speakers.length;
    this.#unanswered += speakers.length;
    const begin = this.#said.length;
    const saidAtMs = nowMs();
    for (const speaker of speakers) this.#said.push({ speaker, saidAtMs, answeredAtMs: null });
    const words = speakers.map((speaker, at) => ({
      ...speaker,
      type: 'text',
      text: `Hello, when do you open tomorrow? <m${begin + at}>`,
    }));
    void this.#simulator.control.sayMany(words);
    return speakers.length;
  }

  #heard(event: SimulatorEvent): void {
    if (event.kind === 'webhookAnswered') {
      for (const { status } of event.subjects) if (status === null) this.#unacknowledged -= 1;
      this.#onChange();
    } else if (event.kind === 'sendAccepted') {
      for (const [, index] of event.text?.matchAll(token) ?? []) this.#answered(Number(index), event.atMs);
      this.#onChange();
    }
  }

  #answered(index: number, atMs: number): void {
    const said = this.#said[index];
    if (said === undefined || said.answeredAtMs !== null) return;
    said.answeredAtMs = atMs;
    this.#unanswered -= 1;
    this.#idle.push(said.speaker);
  }
}

/** Resolves when all that was said is answered; false after the time given. */
export async function allAnswered(talk: Talk, waitMaxMs: number): Promise<boolean> {
  const untilMs = performance.now() + waitMaxMs;
  while (talk.unanswered > 0 && performance.now() < untilMs) await pause(5);
  return talk.unanswered === 0;
}
