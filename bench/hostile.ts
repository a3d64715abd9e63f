/**
 * `npm run bench -- hostile`: what the largest and worst bodies cost a server that runs everything, on a real file. How
 * long after its last byte each is answered, and how long the event loop stood still meanwhile, until the whole of it was
 * worked off. Refusals must be quick because anybody can cause them; a full body of Meta's must not hold up the others.
 * To measure another body, add it to `bodiesOf`, and its aim to `aimsOf`.
 */
import { connect } from 'node:net';
import { createWebhooks } from '#testing/webhooks.ts';
import { pause } from './child.ts';
import { appSecret, startNightdesk } from './contestants.ts';
import { describeMachine } from './machine.ts';
import { observe } from './observed.ts';
import type { Aim, Report, Row } from './report.ts';
import { median } from './statistics.ts';
import { allAnswered, buildTown, numbersOf, type Town } from './town.ts';

interface HostilePlan {
  rounds: number;
  updates: number;
}

const fullPlan: HostilePlan = { rounds: 10, updates: 1_000 };
const quickPlan: HostilePlan = { rounds: 1, updates: 20 };

const bodyBytesMax = 3 * 1024 * 1024;
const tenants = 20;
/** The most that are allowed, and only the last one fits: each is tried. */
const appSecrets = ['second', 'third', 'fourth', appSecret];
const answerMaxMs = 30_000;

interface Body {
  subject: string;
  bytes: Buffer;
  /** Answers that are right. */
  statuses: readonly number[];
  secret?: string;
  /** Chunked, and so without saying how long it is. */
  chunked?: true;
  /** Said instead of the real length; nothing follows. */
  saidBytes?: number;
}

interface Answer {
  status: number;
  /** From the last byte written to the first byte of the answer. */
  answerMs: number;
}

export async function measureHostile({ quick }: { quick: boolean }): Promise<Report> {
  const plan = quick ? quickPlan : fullPlan;
  const startedAt = new Date().toISOString();
  const rows = [...(await measureWhole(plan)), ...(await measureDoor(plan))];
  return {
    machine: describeMachine(),
    startedAt,
    seconds: Math.round(performance.now() / 1_000),
    notes: [
      `${plan.rounds} rounds after one to warm up${quick ? ' (a smoke run: these figures mean nothing)' : ''}; all roles in one process unless said, ${tenants} tenants, 4 app secrets, a model of 0 ms. Answers are timed from the last byte of the body; a stall is the longest time the event loop stood still until the body was worked off; its CPU is what of it was not waiting for the disk or a core.`,
    ],
    rows: rows.map((row) => ({ ...row, median: summaryOf(row) })),
    aims: aimsOf(rows),
  };
}

const observed = { observed: true, env: { WHATSAPP_APP_SECRET: appSecrets.join(',') } };

/** A server that runs everything, and answers what comes. */
async function measureWhole(plan: HostilePlan): Promise<Row[]> {
  const town = await buildTown({
    contestant: 'Nightdesk',
    tenants,
    contacts: plan.updates,
    sendsPerSecondMax: 1_000,
    ...observed,
  });
  try {
    await greet(town);
    return await measureRounds(plan, town, (round) => bodiesOf(plan, round));
  } finally {
    await town.close();
  }
}

/** The webhook role alone: what the body itself costs, without the answers that it asks for. */
async function measureDoor(plan: HostilePlan): Promise<Row[]> {
  const server = await startNightdesk({
    simulatorUrl: 'http://127.0.0.1:9',
    numbers: numbersOf(tenants),
    sendsPerSecondMax: 1_000,
    roles: ['webhook'],
    ...observed,
  });
  const target = { server, quiet: () => Promise.resolve(true) };
  const bodyOf = (round: number): Body => ({
    subject: 'full of messages, webhook role',
    bytes: messagesBody(plan.updates, round),
    statuses: [200],
  });
  try {
    return await measureRounds(plan, target, (round) => [bodyOf(round)]);
  } finally {
    await server.stop();
  }
}

type Target = Pick<Town, 'server' | 'quiet'>;

/** The first round warms up and is not counted. */
async function measureRounds(
  { rounds }: HostilePlan,
  target: Target,
  bodies: (round: number) => Body[],
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let round = 0; round <= rounds; round++) {
    for (const body of bodies(round)) {
      const figures = await measureOne(target, body);
      if (round > 0) noteRound(rows, body.subject, figures);
    }
  }
  return rows;
}

function noteRound(rows: Row[], subject: string, figures: Row['rounds'][number]): void {
  const row = rows.find((each) => each.subject === subject);
  if (row === undefined) rows.push({ measure: 'hostile', subject, rounds: [figures] });
  else row.rounds.push(figures);
}

/** Everybody says a word, so that answers may be sent to them. */
async function greet({ talk, quiet }: Town): Promise<void> {
  talk.say(Number.POSITIVE_INFINITY);
  await allAnswered(talk, answerMaxMs);
  await quiet(answerMaxMs);
}

async function measureOne(target: Target, body: Body): Promise<Row['rounds'][number]> {
  const { folder, port } = target.server;
  await observe(folder);
  const { status, answerMs } = await post(port, body);
  if (!body.statuses.includes(status))
    throw new Error(`"${body.subject}" was answered ${status}. The server said: ${target.server.log()}`);
  await workedOff(target);
  const { longestStallMs, longestWorkMs } = await observe(folder);
  return { answerMs, stallMs: longestStallMs, stallCpuMs: longestWorkMs };
}

/** Waits until the server has nothing to do. */
async function workedOff(target: Target): Promise<void> {
  for (let idle = 0; idle < 3; ) {
    const before = target.server.cpuMs();
    await pause(100);
    idle = target.server.cpuMs() - before <= 20 ? idle + 1 : 0;
  }
  await target.quiet(answerMaxMs);
}

function bodiesOf({ updates }: HostilePlan, round: number): Body[] {
  const ascii = Buffer.alloc(bodyBytesMax, 'x');
  // One letter beyond ASCII has the escaped form tried, which is longest where it is the only one.
  const escapable = Buffer.concat([Buffer.alloc(bodyBytesMax - 6, 'x'), Buffer.from('é')]);
  const half = Math.floor(bodyBytesMax / 2);
  // Another one each time, because the same would only be counted.
  const deep = Buffer.concat([Buffer.alloc(half - round, '['), Buffer.alloc(half, ']')]);
  return [
    { subject: 'bad signature', bytes: ascii, statuses: [401], secret: 'wrong' },
    { subject: 'bad signature, to escape', bytes: escapable, statuses: [401], secret: 'wrong' },
    {
      subject: 'too large by its length',
      bytes: Buffer.alloc(0),
      statuses: [413],
      saidBytes: bodyBytesMax + 1,
    },
    {
      subject: 'too large in chunks',
      bytes: Buffer.alloc(bodyBytesMax + 1, 'x'),
      statuses: [413, 0],
      chunked: true,
    },
    { subject: 'too deep, signed', bytes: deep, statuses: [200] },
    { subject: 'full of messages', bytes: messagesBody(updates, round), statuses: [200] },
    { subject: 'full of statuses', bytes: statusesBody(updates, round), statuses: [200] },
  ];
}

const digits = (value: number, length: number) => String(value).padStart(length, '0');
const webhooks = createWebhooks({ nowMs: () => Date.now() });

/** One message of each contact, long enough to fill the body. */
function messagesBody(updates: number, round: number): Buffer {
  const numbers = numbersOf(tenants);
  const bytesOfEach = Math.floor((bodyBytesMax - 2_000) / updates);
  const bodyOf = (textLength: number) =>
    webhooks.body(
      Array.from({ length: updates }, (_, index) => {
        const number = numbers[index % numbers.length]!;
        return webhooks.text({
          text: `${index} ${'y'.repeat(textLength)}`,
          wamid: `wamid.hostile${round}m${digits(index, 6)}`,
          from: {
            phone: `1650${digits(index, 7)}`,
            bsuid: `US.${digits(index, 12)}`,
            name: `Customer ${index}`,
          },
          wabaId: number.wabaId,
          phoneNumberId: number.id,
        });
      }),
    );
  const room = bytesOfEach - Math.ceil(Buffer.byteLength(bodyOf(0)) / updates);
  return Buffer.from(bodyOf(Math.max(0, Math.min(room, 2_900))));
}

function statusesBody(updates: number, round: number): Buffer {
  const numbers = numbersOf(tenants);
  const value = (at: number) => ({
    field: 'messages',
    value: {
      messaging_product: 'whatsapp',
      metadata: { display_phone_number: '15550700000', phone_number_id: numbers[at]!.id },
      statuses: Array.from({ length: Math.ceil(updates / tenants) }, (_, index) => ({
        id: `wamid.hostile${round}s${at}n${digits(index, 6)}`,
        status: 'delivered',
        timestamp: String(Math.floor(Date.now() / 1_000)),
        recipient_id: `1650${digits(index, 7)}`,
        biz_opaque_callback_data: 'z'.repeat(2_400),
      })),
    },
  });
  const entry = numbers.map(({ wabaId }, at) => ({ id: wabaId, changes: [value(at)] }));
  return Buffer.from(JSON.stringify({ object: 'whatsapp_business_account', entry }));
}

/** Writes all but the last byte, then that one. Status 0 where the connection was closed without an answer. */
function post(port: number, { bytes, secret, chunked, saidBytes }: Body): Promise<Answer> {
  const { headers } = webhooks.signed(bytes.toString('utf8'), secret ?? appSecret);
  const length = chunked ? 'transfer-encoding: chunked' : `content-length: ${saidBytes ?? bytes.length}`;
  const signature = `x-hub-signature-256: ${headers['x-hub-signature-256']}`;
  const head = `POST /webhooks/whatsapp HTTP/1.1\r\nhost: 127.0.0.1\r\n${signature}\r\n${length}\r\n\r\n`;
  const body = chunked
    ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')])
    : bytes;
  const whole = Buffer.concat([Buffer.from(head), body]);
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let lastByteMs = Number.NaN;
    const end = (status: number): void => {
      const answerMs = Number.isNaN(lastByteMs) ? 0 : performance.now() - lastByteMs;
      socket.destroy();
      resolve({ status, answerMs });
    };
    socket.once('data', (chunk) => end(Number(chunk.toString('latin1').split(' ')[1])));
    socket.on('error', () => {});
    socket.once('close', () => end(0));
    socket.write(whole.subarray(0, -1), () => {
      lastByteMs = performance.now();
      socket.write(whole.subarray(-1));
    });
  });
}

const figuresOf = (row: Row, name: string) => row.rounds.map((round) => round[name] ?? Number.NaN);

function summaryOf(row: Row): Record<string, number> {
  const [answers, stalls] = [figuresOf(row, 'answerMs'), figuresOf(row, 'stallMs')];
  return {
    answerMs: median(answers),
    answerMaxMs: Math.max(...answers),
    stallMs: median(stalls),
    stallMaxMs: Math.max(...stalls),
    stallCpuMs: median(figuresOf(row, 'stallCpuMs')),
  };
}

/** Judged by the median round, because the machine is shared with the load. */
function aimsOf(rows: readonly Row[]): Aim[] {
  const judged = (name: string, most: number, row: Row | undefined, figure: string): Aim => {
    const reached = row === undefined ? Number.NaN : median(figuresOf(row, figure));
    return {
      name,
      wanted: `at most ${most}`,
      figure: reached,
      reached: Number.isNaN(reached) ? null : reached <= most,
    };
  };
  return rows.flatMap((row) => [
    judged(`${row.subject}: answer in ms`, row.subject.startsWith('full') ? 500 : 50, row, 'answerMs'),
    judged(`${row.subject}: longest stall in ms`, 50, row, 'stallMs'),
  ]);
}
