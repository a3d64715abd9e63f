/**
 * `nightdesk dev` as a person starts it: the real command in a folder of its own. Tests wait for what it prints, for what
 * the simulator tells, and for the end of all processes that hold its output, never for time.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createSimulatorClient, type SimulatorClient, type SimulatorEvent } from '#simulator/index.ts';

const nightdesk = fileURLToPath(new URL('../../bin/nightdesk', import.meta.url));

export const lunaFlowers = '106540352242922';
export const harbourBooks = '106540352242923';

export interface DevStart {
  args?: readonly string[];
  /** Instead of the checkout's own `nightdesk dev`. */
  command?: readonly [string, ...string[]];
  env?: Record<string, string>;
  /** Its folder, to start again in; a new one if absent. */
  folder?: string;
}

export class DevProcess {
  readonly folder: string;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #closed: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #isClosed = false;

  constructor({ args = [], env = {}, folder, command = [nightdesk, 'dev'] }: DevStart = {}) {
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'nightdesk-dev-'));
    const [program, ...words] = command;
    this.#process = spawn(program, [...words, ...args], {
      cwd: this.folder,
      env: { PATH: process.env.PATH, HOME: this.folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A terminal gives its signals to the whole group: npm hands on none to what its shell started.
      detached: true,
    });
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        this.#tell();
      });
    }
    // "close" comes when nobody holds the output any more: the supervisor and its server are both gone.
    this.#closed = once(this.#process, 'close').then(([code, signal]) => {
      this.#isClosed = true;
      this.#tell();
      return { code, signal };
    });
  }

  get output(): string {
    return this.#lines.join('\n');
  }

  /** The supervisor's process id. */
  get pid(): number {
    return this.#process.pid!;
  }

  /** The server's process id: the oldest child, since a spare one is started after it. */
  serverPid(): number {
    return Number(execFileSync('pgrep', ['-o', '-P', String(this.pid)], { encoding: 'utf8' }).trim());
  }

  /** Resolves with the first line that matches from the `from`th on. */
  async line(pattern: RegExp, from = 0): Promise<{ match: RegExpExecArray; next: number }> {
    for (let at = from; ; at += 1) {
      while (at >= this.#lines.length) {
        if (this.#isClosed)
          throw new Error(`nightdesk dev ended and never printed ${pattern}:\n${this.output}`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
      const match = pattern.exec(this.#lines[at]!);
      if (match !== null) return { match, next: at + 1 };
    }
  }

  /** Waits until it is ready; the addresses that it prints. */
  async ready(): Promise<{ phone: string; webhook: string; next: number }> {
    const { match: phone } = await this.line(/^ {2}Phone +(http:\S+)$/);
    const { match: webhook } = await this.line(/^ {2}Webhook +(http:\S+)$/);
    const { next } = await this.line(/^Ctrl-C stops/);
    return { phone: phone[1]!, webhook: webhook[1]!, next };
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** How the supervisor ended, once it and its server are gone. */
  closed(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    return this.#closed;
  }

  configure(text: string): void {
    writeFileSync(join(this.folder, 'nightdesk.config.ts'), text);
  }

  /** Ends whatever still runs and removes the folder. */
  async remove(): Promise<void> {
    if (!this.#isClosed) this.kill('SIGTERM');
    await this.#closed;
    rmSync(this.folder, { recursive: true, force: true });
  }

  #tell(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

export function clientOf(phoneUrl: string): SimulatorClient {
  return createSimulatorClient(phoneUrl, { request: fetch });
}

/** Everything the simulator told from its beginning, as soon as `isEnough` says so. */
export async function eventsUntil(
  phoneUrl: string,
  isEnough: (events: readonly SimulatorEvent[]) => boolean,
): Promise<SimulatorEvent[]> {
  const response = await fetch(`${phoneUrl}/_sim/events?after=0`);
  const events: SimulatorEvent[] = [];
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data !== undefined) events.push(JSON.parse(data) as SimulatorEvent);
    }
    // Leaving the loop closes the stream.
    if (isEnough(events)) return events;
  }
  throw new Error('The simulator closed its stream of events before what was waited for.');
}

/** The texts that reached customers, in order. */
export const answersIn = (events: readonly SimulatorEvent[]): string[] =>
  events.flatMap((event) => (event.kind === 'sendAccepted' ? [event.text ?? ''] : []));

/** Whether a text is answered. The demo model repeats what it does not understand. */
export const isAnswered = (events: readonly SimulatorEvent[], text: string): boolean =>
  answersIn(events).some((answer) => answer.includes(text));
