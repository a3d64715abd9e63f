/**
 * Acknowledgements: signed webhooks with one text message each, as fast as a few dozen connections get their 200. Against
 * each contestant with nothing but its webhook, which in Nightdesk answers after the message is safe on disk, and against a bare
 * server that only checks the signature. What such a server reaches is the most that anybody could.
 */
import { createWebhooks } from '#testing/webhooks.ts';
import type { Child } from '../child.ts';
import {
  appSecret,
  type BusinessNumber,
  type Contestant,
  type ContestantOptions,
  contestants,
  startBareServer,
} from '../contestants.ts';
import { cpuOf } from '../cpu-of.ts';
import { ownCpuMs } from '../machine.ts';
import type { Plan } from '../plan.ts';
import { postAll } from '../post-loop.ts';
import { percentile } from '../statistics.ts';

export type AckFigures = Record<
  | 'acksPerSecond'
  | 'p50Ms'
  | 'p99Ms'
  | 'serverCpuMsPerThousand'
  | 'postgresCpuMsPerThousand'
  | 'redisCpuMsPerThousand'
  | 'loadCpuShare'
  | 'refused',
  number
>;

export async function acksOf(
  contestant: Contestant,
  plan: Plan,
  numbers: readonly BusinessNumber[],
  profile: Pick<ContestantOptions, 'profileFolder'>,
): Promise<AckFigures> {
  const server = await contestants[contestant].start({
    // Nothing is sent and no model is asked in this role.
    simulatorUrl: 'http://127.0.0.1:9',
    numbers,
    sendsPerSecondMax: plan.sendsPerSecondMax,
    roles: ['webhook'],
    ...profile,
  });
  return measure(server, plan, numbers);
}

export async function acksOfBareServer(plan: Plan, numbers: readonly BusinessNumber[]): Promise<AckFigures> {
  return measure(await startBareServer(), plan, numbers);
}

async function measure(
  server: Child,
  { acks, contacts }: Plan,
  numbers: readonly BusinessNumber[],
): Promise<AckFigures> {
  try {
    const { port } = server;
    const { connections } = acks;
    await postAll({ port, connections, requests: requestsOf(acks.warmUpWebhooks, 'w', contacts, numbers) });
    const requests = requestsOf(acks.webhooks, 'm', contacts, numbers);
    const before = cpuOf(server);
    const loadBeforeMs = ownCpuMs();
    const { durationMs, latenciesMs, refused } = await postAll({ port, connections, requests });
    const after = cpuOf(server);
    const perThousand = (name: keyof typeof after) => ((after[name] - before[name]) / acks.webhooks) * 1_000;
    return {
      acksPerSecond: (acks.webhooks / durationMs) * 1_000,
      p50Ms: percentile(latenciesMs, 0.5),
      p99Ms: percentile(latenciesMs, 0.99),
      serverCpuMsPerThousand: perThousand('serverMs'),
      postgresCpuMsPerThousand: perThousand('postgresMs'),
      redisCpuMsPerThousand: perThousand('redisMs'),
      loadCpuShare: (ownCpuMs() - loadBeforeMs) / durationMs,
      refused,
    };
  } finally {
    await server.stop();
  }
}

/** Distinct wamids, contacts and numbers in turn. */
function requestsOf(
  count: number,
  kind: string,
  contacts: number,
  numbers: readonly BusinessNumber[],
): Buffer[] {
  const webhooks = createWebhooks({ nowMs: () => Date.now() });
  return Array.from({ length: count }, (_, index) => {
    const contact = index % contacts;
    const number = numbers[contact % numbers.length]!;
    const item = webhooks.text({
      text: `Hello, this is message ${index}`,
      wamid: `wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTc${kind}${String(index).padStart(10, '0')}AA==`,
      from: {
        phone: `1650${String(contact).padStart(7, '0')}`,
        bsuid: `US.${String(contact).padStart(12, '0')}`,
        name: `Customer ${contact}`,
      },
      wabaId: number.wabaId,
      phoneNumberId: number.id,
      displayPhoneNumber: number.displayNumber.replace(/\D/g, ''),
    });
    const { body, headers } = webhooks.signed(webhooks.body([item]), appSecret);
    const lines = Object.entries({
      ...headers,
      host: '127.0.0.1',
      'content-length': Buffer.byteLength(body),
    });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return Buffer.from(`POST /webhooks/whatsapp HTTP/1.1\r\n${head}\r\n${body}`);
  });
}
