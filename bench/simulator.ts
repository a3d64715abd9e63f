/**
 * `npm run bench -- simulator`: how much the look-alike of Meta can do, alone, in a process of its own. What it can do
 * must be far above what the bench asks of it, or the bench would measure the look-alike and not the contestants. Customers
 * say as much as can be delivered to a bare server; then texts are sent over keep-alive connections, three statuses each;
 * then its model is asked. Once with Meta's rules of pace and once without, in turn.
 * To measure another thing that the bench asks of it, add it to `measureRound` and `bodies`.
 */
import { resolve } from 'node:path';
import { createSimulatorClient, type SimulatorClient } from '#simulator/index.ts';
import { Child, pause } from './child.ts';
import { type BusinessNumber, startBareServer } from './contestants.ts';
import { describeMachine, ownCpuMs } from './machine.ts';
import { type PostLoopResult, postAll } from './post-loop.ts';
import { type Aim, type Figures, medianOf, type Report, type Row } from './report.ts';
import { contactSpecOf, setupOf } from './simulator-setup.ts';
import { median } from './statistics.ts';
import { numbersOf } from './town.ts';

interface SimulatorPlan {
  rounds: number;
  tenants: number;
  /** Pair limits bind at 45 messages to one contact, so contacts must be many. */
  contacts: number;
  webhooks: number;
  sends: number;
  modelCalls: number;
  connections: number;
}

const fullPlan: SimulatorPlan = {
  rounds: 5,
  tenants: 20,
  contacts: 2_500,
  webhooks: 7_500,
  sends: 7_500,
  modelCalls: 5_000,
  connections: 64,
};
const quickPlan: SimulatorPlan = {
  rounds: 1,
  tenants: 3,
  contacts: 60,
  webhooks: 120,
  sends: 120,
  modelCalls: 60,
  connections: 8,
};

/** What Meta's upper tier allows a number, as in the bench. */
const sendsPerSecondMax = 1_000;
/** Three times the 981 answers/s of Nightdesk in docs/measurements.md, rounded up. */
const leastPerSecond = 3_000;
const saidAtOnce = 50;
const quietMaxMs = 20_000;

const paces = ['rules on', 'rules off'] as const;
type Pace = (typeof paces)[number];
const rulesOf = (pace: Pace) => {
  const isOn = pace === 'rules on';
  return { throughput: isOn, countReads: isOn, pairLimit: isOn };
};

export interface SimulatorBenchOptions {
  quick: boolean;
  /** Of CPU profiles of the simulator's process. */
  profile?: string;
}

export async function measureSimulator({ quick, profile }: SimulatorBenchOptions): Promise<Report> {
  const plan = quick ? quickPlan : fullPlan;
  const startedAt = new Date().toISOString();
  const rows: Row[] = paces.flatMap((pace) =>
    ['webhooks', 'sends', 'model calls'].map((what) => rowOf(`${what}, ${pace}`)),
  );
  for (let round = 0; round < plan.rounds; round++) {
    // In turn, so that neither always meets the machine as the other left it.
    for (const pace of round % 2 === 0 ? paces : paces.toReversed()) {
      const figures = await measureRound(plan, pace, profile);
      for (const [what, figure] of Object.entries(figures))
        rows.find(({ subject }) => subject === `${what}, ${pace}`)!.rounds.push(figure);
    }
  }
  return {
    machine: describeMachine(),
    startedAt,
    seconds: Math.round(performance.now() / 1_000),
    notes: [
      `Medians of ${plan.rounds} rounds${quick ? ' (a smoke run: these figures mean nothing)' : ''}; ${plan.tenants} numbers of ${sendsPerSecondMax}/s, ${plan.contacts} contacts, ${plan.connections} connections in, at most 128 out. The simulator, the load and the bare server that gets the webhooks are three processes on the same cores.`,
      `webhooks: ${plan.webhooks} texts said by customers, until the last is acknowledged. sends: ${plan.sends} texts until the last is accepted; the CPU is that of its three statuses too, until the last of them is acknowledged. model calls: ${plan.modelCalls}.`,
    ],
    rows: rows.map((row) => ({ ...row, median: medianOf(row.rounds) })),
    aims: aimsOf(rows),
  };
}

const rowOf = (subject: string): Row => ({ measure: 'simulator', subject, rounds: [] });

/** A simulator in its own process, and a bare server that gets its webhooks. */
interface Place {
  plan: SimulatorPlan;
  numbers: readonly BusinessNumber[];
  server: Child;
  control: SimulatorClient;
}

async function measureRound(
  plan: SimulatorPlan,
  pace: Pace,
  profile: string | undefined,
): Promise<Record<string, Figures>> {
  const numbers = numbersOf(plan.tenants);
  const server = new Child();
  const receiver = await startBareServer();
  try {
    await server.start({
      command: process.execPath,
      args: ['--conditions=nightdesk-source', resolve(import.meta.dirname, 'simulator-server.ts')],
      env: {
        NODE_OPTIONS:
          profile === undefined ? '' : `--cpu-prof --cpu-prof-dir=${resolve(profile, 'simulator')}`,
      },
      readyPath: '/_sim',
    });
    const control = createSimulatorClient(server.url, { request: fetch });
    await control.setup({
      ...setupOf(numbers, sendsPerSecondMax),
      webhookUrl: `${receiver.url}/webhooks/whatsapp`,
      rules: rulesOf(pace),
    });
    const place = { plan, numbers, server, control };
    await warmUp(place);
    const webhooks = await measureWebhooks(place);
    const sends = await measureSends(place);
    const modelCalls = await measureModelCalls(place);
    return { webhooks, sends, 'model calls': modelCalls };
  } finally {
    await server.stop();
    await receiver.stop();
  }
}

/** Everybody comes to be and says a word, so that they may be written to, and each kind is met once before the clock starts. */
async function warmUp({ plan, numbers, server, control }: Place): Promise<void> {
  const { contacts, connections } = plan;
  const post = (requests: readonly Buffer[]) => postAll({ port: server.port, connections, requests });
  await post(upTo(contacts, (index) => bodies.contact(index)));
  await post(sayings(contacts, plan, numbers));
  await quiet(control);
  await post(upTo(Math.ceil(contacts / 2), (index) => bodies.send(index, plan, numbers)));
  await post(upTo(Math.ceil(contacts / 4), bodies.modelCall));
  await quiet(control);
}

async function measureWebhooks({ plan, numbers, server, control }: Place): Promise<Figures> {
  const requests = sayings(plan.webhooks, plan, numbers);
  return measured({ server, control }, plan.webhooks, async () => {
    const beginMs = performance.now();
    const { refused } = await postAll({ port: server.port, connections: 1, requests });
    await quiet(control);
    return { durationMs: performance.now() - beginMs, refused };
  });
}

async function measureSends({ plan, numbers, server, control }: Place): Promise<Figures> {
  const { connections, sends } = plan;
  const requests = upTo(sends, (index) => bodies.send(index, plan, numbers));
  const before = await countersOf(control);
  const figures = await measured({ server, control }, sends, () =>
    postAll({ port: server.port, connections, requests }),
  );
  const after = await countersOf(control);
  const names = ['status.sent', 'status.delivered', 'status.read'];
  const statuses = names.reduce((sum, name) => sum + (after[name] ?? 0) - (before[name] ?? 0), 0);
  return { ...figures, statusesPerAnswer: statuses / sends };
}

async function measureModelCalls({ plan, server, control }: Place): Promise<Figures> {
  const requests = upTo(plan.modelCalls, bodies.modelCall);
  const { connections } = plan;
  return measured({ server, control }, plan.modelCalls, () =>
    postAll({ port: server.port, connections, requests }),
  );
}

/** Rate and shares of a core while `act` takes, the CPU of each until nothing is due any more. */
async function measured(
  { server, control }: Pick<Place, 'server' | 'control'>,
  count: number,
  act: () => Promise<Pick<PostLoopResult, 'durationMs' | 'refused'>>,
): Promise<Figures> {
  const failedBefore = (await countersOf(control)).webhookFailed ?? 0;
  const before = { serverMs: server.cpuMs(), loadMs: ownCpuMs() };
  const { durationMs, refused } = await act();
  const during = { serverMs: server.cpuMs(), loadMs: ownCpuMs() };
  const actedAtMs = performance.now();
  await quiet(control);
  const afterMs = performance.now() - actedAtMs;
  return {
    perSecond: ((count - refused) / durationMs) * 1_000,
    cpuMicrosecondsOfEach: ((server.cpuMs() - before.serverMs) / count) * 1_000,
    simulatorCpuShare: (during.serverMs - before.serverMs) / durationMs,
    loadCpuShare: (during.loadMs - before.loadMs) / durationMs,
    settledAfterMs: afterMs,
    refused,
    retriedWebhooks: ((await countersOf(control)).webhookFailed ?? 0) - failedBefore,
  };
}

const countersOf = async (control: SimulatorClient) => (await control.counters()).counters;

/** Resolves when every webhook is acknowledged and nothing is due any more. */
async function quiet(control: SimulatorClient): Promise<void> {
  const untilMs = performance.now() + quietMaxMs;
  let told = '';
  while (performance.now() < untilMs) {
    const { waiting } = await control.counters();
    const { updates, inFlight, retrying, scheduled } = waiting;
    told = JSON.stringify(waiting);
    if (updates + inFlight + retrying + scheduled === 0) return;
    await pause(20);
  }
  throw new Error(
    `The simulator still had work after ${quietMaxMs} ms: ${told}. Nothing that is measured takes so long: see what the bare server answers, or measure less in bench/simulator.ts.`,
  );
}

const upTo = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

function sayings(count: number, plan: SimulatorPlan, numbers: readonly BusinessNumber[]): Buffer[] {
  return upTo(Math.ceil(count / saidAtOnce), (at) => {
    const begin = at * saidAtOnce;
    const length = Math.min(saidAtOnce, count - begin);
    return post(
      '/_sim/say',
      upTo(length, (index) => saying(begin + index, plan, numbers)),
    );
  });
}

const numberFor = (contact: number, numbers: readonly BusinessNumber[]) => numbers[contact % numbers.length]!;

function saying(index: number, { contacts }: SimulatorPlan, numbers: readonly BusinessNumber[]) {
  const contact = index % contacts;
  return {
    phoneNumberId: numberFor(contact, numbers).id,
    contact: contactSpecOf(contact).phone,
    type: 'text',
    text: `Hello, when do you open tomorrow? <m${index}>`,
  };
}

const bodies = {
  contact: (index: number) => post('/_sim/contacts', contactSpecOf(index)),
  send(index: number, { contacts }: SimulatorPlan, numbers: readonly BusinessNumber[]): Buffer {
    const contact = index % contacts;
    return post(`/v26.0/${numberFor(contact, numbers).id}/messages`, {
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: `+${contactSpecOf(contact).phone}`,
      type: 'text',
      text: { body: `We open at nine tomorrow. <m${index}>` },
      biz_opaque_callback_data: `send ${index}`,
    });
  },
  modelCall: (index: number) =>
    post('/v1/messages', {
      model: 'claude-haiku-5-5',
      max_tokens: 1_000,
      messages: [{ role: 'user', content: `Hello, when do you open tomorrow? <m${index}>` }],
    }),
};

/** A whole request. Each door takes its own of the two credentials. */
function post(path: string, value: unknown): Buffer {
  const body = JSON.stringify(value);
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    'authorization: Bearer token',
    'x-api-key: key',
    'anthropic-version: 2023-06-01',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** Only what Meta's side is asked for has an aim; each is judged by the median round. */
function aimsOf(rows: readonly Row[]): Aim[] {
  const judged = rows.filter(({ subject }) => !subject.startsWith('model calls'));
  return judged.map(({ subject, rounds }) => {
    const figure = median(rounds.map(({ perSecond }) => perSecond!));
    return {
      name: `${subject}: a second`,
      wanted: `at least ${leastPerSecond}`,
      figure,
      reached: Number.isNaN(figure) ? null : figure >= leastPerSecond,
    };
  });
}
