/**
 * A Nightdesk with WAKE=cloud-tasks and the look-alikes of Meta and of Cloud Tasks, over real HTTP and on one clock that can
 * be moved. What happened is kept in its order, so that a test can tell what was inside a request and what was not.
 */
import { createServer } from 'node:net';
import { limits } from '#core/limits.ts';
import type { ModelClient } from '#core/ports/model.ts';
import type { Moment } from '#core/ports/observer.ts';
import type { Store } from '#core/ports/store.ts';
import { runCommand } from '#runtime/commands.ts';
import { type NightdeskConfig, readConfig } from '#runtime/config.ts';
import { createNightdesk, type Nightdesk } from '#runtime/nightdesk.ts';
import { openStore } from '#runtime/open.ts';
import { openWake } from '#runtime/wake.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld, type MovableWorld } from '#runtime/world/real-world.ts';
import { openSecrets } from '#runtime/world/secrets.ts';
import { type Simulator, startSimulator } from '#simulator/index.ts';
import { startHttpSurface } from '#surface/http/server.ts';

export const queue = 'projects/acme/locations/europe-west1/queues/wakes';
export const email = 'waker@acme.iam.gserviceaccount.com';
const numberId = '106540352242922';
const wabaId = '102290129340398';
/** Longer than any of it takes on a busy machine. */
const patienceMs = 20_000;

const taskKinds = ['taskCreated', 'taskSent', 'taskAnswered'] as const;

export interface StageOptions {
  model?: ModelClient;
  /** Of the number. */
  settings?: Record<string, unknown>;
  dialog?: string;
  config?: NightdeskConfig;
  env?: Record<string, string>;
  store?: (store: Store) => Store;
  /** Another store than SQLite, which several processes may share. */
  openShared?: (world: MovableWorld) => Promise<Store>;
  /** All of them if absent. */
  roles?: string[];
}

/** What happened, in order: moments of Nightdesk, and what the look-alike of the queue did. */
export type Step = Moment['kind'] | (typeof taskKinds)[number];

export interface Stage {
  readonly sim: Simulator;
  readonly nightdesk: Nightdesk;
  readonly world: MovableWorld;
  readonly url: string;
  readonly steps: Step[];
  say(text: string, contact?: string): Promise<void>;
  /** What customers got, in order. */
  answers(): string[];
  /** Waits for what must come by itself. */
  until(holds: () => boolean | Promise<boolean>, what: string): Promise<void>;
  /** Time goes on at once, for all of it. */
  pass(ms: number): void;
  /** A request to the door. */
  knock(token: string | null, body?: unknown): Promise<Response>;
  /** A token as tasks bring it. */
  goodToken(): string;
  /** The API of the queue, with an access token. */
  api(method: string, path: string, body?: unknown): Promise<Response>;
  counter(name: string, labels?: Record<string, string>): Promise<number>;
  close(): Promise<void>;
}

const greeting: ModelClient = {
  name: 'echo',
  reply: async ({ messages }) => ({
    text: `You said: ${messages.at(-1)?.text ?? ''}`,
    usage: { model: 'echo', inputTokens: 1, outputTokens: 1 },
  }),
};

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const limitsBefore = { ...limits };
  const steps: Step[] = [];
  const world: MovableWorld = createRealWorld({ log: createLog({ level: 'silent' }), aheadMs: 0 });
  world.observer = { observe: ({ kind }) => void steps.push(kind) };
  const { clock, timers } = world;
  const sim = await startSimulator({
    world: { nowMs: clock.nowMs, setTimer: timers.after, random: world.random },
  });
  sim.meta.log.listen(({ kind }) => {
    const step = taskKinds.find((each) => each === kind);
    if (step !== undefined) steps.push(step);
  });
  const server = await startServer(options, world, sim);
  for (const phone of ['15550001', '15550002']) await sim.control.createContact({ name: phone, phone });
  return {
    ...{ sim, world, steps, nightdesk: server.nightdesk, url: server.url },
    ...doorsOf(sim, world, server.url),
    async say(text, contact = '15550001') {
      await sim.control.say({ phoneNumberId: numberId, contact, type: 'text', text });
    },
    answers: () => sim.meta.accepted.flatMap(({ text }) => text ?? []),
    async until(holds, what) {
      const untilMs = performance.now() + patienceMs;
      while (!(await holds())) {
        if (performance.now() > untilMs) throw new Error(`It never came true: ${what}. ${steps.join(' ')}`);
        await new Promise<void>((resolve) => timers.after(5, resolve));
      }
    },
    pass: (ms) => world.time.moveTo(world.time.aheadMs() + ms),
    async counter(name, labels = {}) {
      const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
      const lines = (await server.nightdesk.metrics.text())
        .split('\n')
        .filter((line) => line.startsWith(name));
      return lines
        .filter((line) => wanted.every((label) => line.includes(label)))
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    async close() {
      await server.close();
      await sim.close();
      world.close();
      Object.assign(limits, limitsBefore);
    },
  };
}

export interface Server {
  nightdesk: Nightdesk;
  url: string;
  close(): Promise<void>;
}

/** One process; Meta sends its webhooks to the last that was started. */
export async function startServer(
  options: StageOptions,
  world: MovableWorld,
  sim: Simulator,
): Promise<Server> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = await readConfig({
    env: {
      DATABASE_URL: 'sqlite::memory:',
      WHATSAPP_APP_SECRET: 'app secret',
      WHATSAPP_ACCESS_TOKEN: 'token',
      GRAPH_API_URL: sim.metaUrl,
      ...environmentOf(sim, url),
      ...options.env,
    },
    folder: import.meta.dirname,
    ...(options.roles && { roles: options.roles }),
  });
  const opened = (await options.openShared?.(world)) ?? openStore(config, world);
  const { openTasks } = await openWake(config, world);
  const nightdesk = createNightdesk({
    ...{ world, secrets: openSecrets(config), model: options.model ?? greeting },
    singleOwner: options.openShared === undefined,
    config: { ...config, file: options.config ?? config.file },
    store: options.store?.(opened) ?? opened,
    ...(openTasks && { openTasks }),
  });
  await nightdesk.start();
  const http = await startHttpSurface({ nightdesk, host: '127.0.0.1', port });
  const { dialog, settings } = options;
  const number = { id: numberId, wabaId, ...(dialog && { dialog }), ...(settings && { settings }) };
  await runCommand(nightdesk, 'tenants.apply', {
    file: { tenants: [{ id: 'acme', phoneNumbers: [number] }] },
  });
  await sim.control.setup({
    appSecret: 'app secret',
    webhookUrl: `${url}/webhooks/whatsapp`,
    phoneNumbers: [{ id: numberId, wabaId, displayNumber: '+1 555 078 3881' }],
    timings: { webhookRetryFirstMs: 1_000 },
  });
  return {
    nightdesk,
    url,
    async close() {
      await nightdesk.stop({ deadlineMs: 0 });
      await http.close();
      await opened.close();
    },
  };
}

/** The door of Nightdesk, and the API of the queue. */
function doorsOf(
  sim: Simulator,
  { clock }: MovableWorld,
  url: string,
): Pick<Stage, 'knock' | 'goodToken' | 'api'> {
  return {
    knock: (token, body = { tenantId: 'acme', conversationId: 'cnv_none' }) =>
      fetch(`${url}/internal/wake`, {
        method: 'POST',
        headers: { ...(token !== null && { authorization: `Bearer ${token}` }) },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    goodToken: () =>
      sim.tasks.tokens.identity({
        issuer: sim.tasks.settings.issuer,
        audience: `${url}/internal/wake`,
        ...{ email, nowMs: clock.nowMs() },
      }),
    api: (method, path, body) =>
      fetch(`${sim.tasksUrl}/v2/${queue}${path}`, {
        method,
        headers: { authorization: `Bearer ${sim.tasks.tokens.access(clock.nowMs()).access_token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

export function environmentOf(sim: Simulator, url: string): Record<string, string> {
  return {
    WAKE: 'cloud-tasks',
    CLOUD_TASKS_QUEUE: queue,
    CLOUD_TASKS_TARGET_URL: url,
    CLOUD_TASKS_SERVICE_ACCOUNT: email,
    CLOUD_TASKS_API_URL: sim.tasksUrl,
    CLOUD_TASKS_JWKS_URL: `${sim.tasksUrl}/oauth2/v3/certs`,
    GCE_METADATA_HOST: new URL(sim.tasksUrl).host,
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('No port was given.');
  return address.port;
}
