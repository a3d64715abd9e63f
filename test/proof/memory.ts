/**
 * `npm run proof -- memory`: a server works for minutes without a pause, and what is left on its heap after a full garbage
 * collection must not grow. Customers come and go, since what is kept for each of them is what usually leaks; webhooks come
 * twice, and among them are bodies that are refused or cannot be read. Rows are not heap: the store keeps them on disk.
 *
 *   --minutes N        2 unless said
 *   --seed S           1 unless said
 *
 * The first third of the run warms up. Then minima are compared, because whatever happens to be under way at a sample
 * only adds to it.
 */
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Observed, observe, observedEnvironment } from '../../bench/observed.ts';
import type { Check } from './rules.ts';
import { pause } from './server-process.ts';
import { buildTown, seeded, type Town } from './town.ts';

interface Sample extends Observed {
  atSeconds: number;
  /** Messages answered since the last sample. */
  answered: number;
}

export interface MemoryOptions {
  minutes: number;
  seed: number;
  messagesPerSecond: number;
  onSample?: (sample: Sample) => void;
}

/** A customer writes so often, then another one comes. */
const messagesOfContact = 5;
const samplesWanted = 36;
/** More than this, and more than this share, is growth: less is the platform's own coming and going. */
const growthBytesMax = 1.5 * 1024 * 1024;
const growthShareMax = 0.03;

export async function proveMemory(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: { minutes: { type: 'string', default: '2' }, seed: { type: 'string', default: '1' } },
  });
  const minutes = Number(values.minutes);
  process.stdout.write(`Memory over ${minutes} minutes, seed ${values.seed}, Node ${process.version}\n`);
  const samples = await runForMinutes({
    minutes,
    seed: Number(values.seed),
    messagesPerSecond: 25,
    onSample: (sample) => process.stdout.write(`${lineOf(sample)}\n`),
  });
  const checks = checksOf(samples);
  for (const { rule, figure, reached } of checks)
    process.stdout.write(`  ${reached ? 'reached' : 'MISSED '}  ${rule}: ${figure}\n`);
  return checks.every(({ reached }) => reached);
}

const mb = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);

function lineOf({ atSeconds, heapUsedBytes, externalBytes, rssBytes, answered }: Sample): string {
  const parts = [`heap ${mb(heapUsedBytes)} MB`, `external ${mb(externalBytes)}`, `resident ${mb(rssBytes)}`];
  return `  ${String(Math.round(atSeconds)).padStart(5)} s  ${parts.join(', ')}, ${answered} answered`;
}

export async function runForMinutes(options: MemoryOptions): Promise<Sample[]> {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-memory-'));
  const random = seeded(options.seed);
  const town = await buildTown({
    tenants: 10,
    contacts: 0,
    random,
    server: { env: observedEnvironment(folder) },
  });
  try {
    await town.simulator.control.setFaults({ duplicateWebhook: { rate: 0.1, maxMs: 2_000 } });
    const load = startLoad(town, options.messagesPerSecond);
    const samples = await sampled(town, folder, options);
    await load.stop();
    return samples;
  } finally {
    await town.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sampled(town: Town, folder: string, { minutes, onSample }: MemoryOptions): Promise<Sample[]> {
  const samples: Sample[] = [];
  const beginMs = performance.now();
  const everyMs = (minutes * 60_000) / samplesWanted;
  let before = town.simulator.meta.accepted.length;
  while (samples.length < samplesWanted) {
    await pause(Math.max(0, beginMs + (samples.length + 1) * everyMs - performance.now()));
    const seen = await observe(folder, { collected: true });
    const accepted = town.simulator.meta.accepted.length;
    const sample = { ...seen, atSeconds: (performance.now() - beginMs) / 1_000, answered: accepted - before };
    before = accepted;
    samples.push(sample);
    onSample?.(sample);
  }
  return samples;
}

/** Says so many messages a second, by customers who come and go, and once a second posts what must be refused or kept. */
function startLoad(town: Town, messagesPerSecond: number): { stop(): Promise<void> } {
  let stopping = false;
  const life = (async () => {
    const beginMs = performance.now();
    let said = 0;
    let contact = '';
    for (let second = 0; !stopping; ) {
      const elapsedSeconds = (performance.now() - beginMs) / 1_000;
      for (; said < elapsedSeconds * messagesPerSecond && !stopping; said++) {
        const customer = Math.floor(said / messagesOfContact);
        if (said % messagesOfContact === 0) contact = await newContact(town, customer);
        const phoneNumberId = town.numbers[customer % town.numbers.length] ?? '';
        await town.simulator.control.say({ phoneNumberId, contact, type: 'text', text: `message ${said}` });
      }
      for (; second < elapsedSeconds; second++) await postOdd(town, second);
      await pause(20);
    }
  })();
  return {
    async stop() {
      stopping = true;
      await life;
    },
  };
}

async function newContact(town: Town, customer: number): Promise<string> {
  const { id } = await town.simulator.control.createContact({
    phone: `1650${String(customer).padStart(7, '0')}`,
    name: `Customer ${customer}`,
    userId: `US.${String(customer).padStart(12, '0')}`,
  });
  return id;
}

/** One body that nobody signed, one that is no JSON, one of a field and about a number that nobody knows. */
async function postOdd(town: Town, second: number): Promise<void> {
  const unknown = {
    entry: [
      {
        id: '1',
        changes: [
          {
            field: `invented_${second}`,
            value: { metadata: { phone_number_id: '7' }, messages: [{ id: `w${second}`, from: '1' }] },
          },
        ],
      },
    ],
  };
  for (const [body, secret] of [
    [`{"no":"${second}"}`, 'wrong'],
    [`{"cut":"${second}`, 'app secret'],
    [JSON.stringify(unknown), 'app secret'],
  ] as const) {
    const signature = createHmac('sha256', secret).update(body).digest('hex');
    await fetch(`${town.server.url}/webhooks/whatsapp`, {
      method: 'POST',
      body,
      headers: { 'x-hub-signature-256': `sha256=${signature}` },
    });
  }
}

export function checksOf(samples: readonly Sample[]): Check[] {
  const third = Math.floor(samples.length / 3);
  const middle = samples.slice(third, 2 * third);
  const last = samples.slice(2 * third);
  const least = (part: readonly Sample[], figure: 'heapUsedBytes' | 'externalBytes') =>
    Math.min(...part.map((sample) => sample[figure]));
  const idle = samples.slice(1).filter(({ answered }) => answered === 0).length;
  const steady = (what: string, figure: 'heapUsedBytes' | 'externalBytes'): Check => {
    const [before, after] = [least(middle, figure), least(last, figure)];
    const grown = after - before;
    return {
      rule: `the ${what} does not grow`,
      figure: `at least ${mb(before)} MB in the second third, ${mb(after)} MB in the last`,
      reached: grown <= growthBytesMax || grown <= before * growthShareMax,
    };
  };
  return [
    {
      rule: 'messages were answered between any two samples',
      figure: `${samples.reduce((sum, { answered }) => sum + answered, 0)} answered, ${idle} of ${samples.length} samples without`,
      reached: idle === 0,
    },
    steady('heap', 'heapUsedBytes'),
    steady('memory of buffers', 'externalBytes'),
  ];
}
