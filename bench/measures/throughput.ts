/**
 * Throughput: messages come as fast as they are acknowledged, each is answered, each answer brings three status
 * webhooks. Answers per second until the last answer; CPU until the last status is dealt with, so that work put off is
 * counted too. The same measure with one number of the lower tier shows how a server keeps that number's pace.
 */
import { pause } from '../child.ts';
import { cpuOf } from '../cpu-of.ts';
import { ownCpuMs } from '../machine.ts';
import type { Plan } from '../plan.ts';
import { allAnswered, type Town } from '../town.ts';

export type ThroughputFigures = Record<
  | 'answersPerSecond'
  | 'cpuMsPerMessage'
  | 'postgresCpuMsPerMessage'
  | 'redisCpuMsPerMessage'
  | 'allCpuMsPerMessage'
  | 'serverCpuShare'
  | 'simulatorCpuShare'
  | 'statusesPerAnswer'
  | 'refusedSends'
  | 'retriedWebhooks'
  | 'unanswered',
  number
>;

const answersMaxMs = 60_000;
const quietMaxMs = 30_000;

export async function throughputOf(town: Town, plan: Plan): Promise<ThroughputFigures> {
  const { warmUpMessages, messages, unacknowledgedMax } = plan.throughput;
  await sayAll(town, warmUpMessages, unacknowledgedMax);
  await town.quiet(quietMaxMs);
  return measured(town, messages, unacknowledgedMax);
}

/** Without a warm-up: what was said before would already weigh on the number's pace. */
export function pacingOf(town: Town, plan: Plan): Promise<ThroughputFigures> {
  return measured(town, plan.pacing.messages, plan.throughput.unacknowledgedMax);
}

async function measured(town: Town, messages: number, unacknowledgedMax: number): Promise<ThroughputFigures> {
  const { server, simulator, talk } = town;
  const counters = () => simulator.meta.log.counters();
  const before = { counters: counters(), cpu: cpuOf(server) };
  const begin = talk.count;
  const beginMs = performance.now();
  const simulatorBeforeMs = ownCpuMs();
  await sayAll(town, messages, unacknowledgedMax);
  const talkMs = performance.now() - beginMs;
  const simulatorMs = ownCpuMs() - simulatorBeforeMs;
  const serverTalkMs = server.cpuMs() - before.cpu.serverMs;
  await town.quiet(quietMaxMs);
  // What is put off by a moment belongs to the message all the same.
  await pause(100);
  const after = cpuOf(server);
  const perMessage = (name: keyof typeof after) => (after[name] - before.cpu[name]) / messages;
  const said = talk.since(begin);
  const answeredAtMs = said.flatMap(({ answeredAtMs }) => (answeredAtMs === null ? [] : [answeredAtMs]));
  const lastMs = answeredAtMs.reduce((last, atMs) => Math.max(last, atMs), 0);
  const gained = (name: string) => (counters()[name] ?? 0) - (before.counters[name] ?? 0);
  const statuses = gained('status.sent') + gained('status.delivered') + gained('status.read');
  return {
    answersPerSecond: (answeredAtMs.length / (lastMs - (said[0]?.saidAtMs ?? 0))) * 1_000,
    cpuMsPerMessage: perMessage('serverMs'),
    postgresCpuMsPerMessage: perMessage('postgresMs'),
    redisCpuMsPerMessage: perMessage('redisMs'),
    allCpuMsPerMessage: perMessage('allMs'),
    serverCpuShare: serverTalkMs / talkMs,
    simulatorCpuShare: simulatorMs / talkMs,
    statusesPerAnswer: statuses / answeredAtMs.length,
    refusedSends: gained('sendRefused'),
    retriedWebhooks: gained('webhookFailed'),
    unanswered: said.length - answeredAtMs.length,
  };
}

/** Says so many messages, each as soon as an acknowledgement makes room; resolves when all are answered or time is up. */
async function sayAll({ talk }: Town, messages: number, unacknowledgedMax: number): Promise<void> {
  let left = messages;
  const more = (): void => {
    if (left > 0) left -= talk.say(left, unacknowledgedMax);
  };
  talk.onChange(more);
  more();
  const untilMs = performance.now() + answersMaxMs;
  while (left > 0 && performance.now() < untilMs) await pause(5);
  talk.onChange(() => {});
  await allAnswered(talk, Math.max(0, untilMs - performance.now()));
}
