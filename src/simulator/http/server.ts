/**
 * The shell: all look-alikes and the control API on one port. It owns the sockets and nothing else; clock, timers and
 * randomness are the caller's. Graph under /{version}/..., Cloud Tasks under /v2/projects/..., Anthropic, images and checkout under /v1/..., the page on which
 * one pays under /pay, control under /_sim, media files under /whatsapp_business/attachments; everything else goes to `staticHandler`, so a caller can serve a page.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Anthropic } from '../anthropic/anthropic.ts';
import type { CheckoutDesk } from '../checkout/checkout.ts';
import type { CloudTasks } from '../cloud-tasks/tasks.ts';
import { createSimulatorClient, type SimulatorClient } from '../control/client.ts';
import { createControl } from '../control/control.ts';
import type { Images } from '../images/images.ts';
import type { Meta } from '../meta.ts';
import { Engine, type SimulatorOptions, type SimulatorWorld } from './engine.ts';
import { createLiveEvents } from './live-events.ts';
import { createRequestHandler, splitUrl } from './request-routing.ts';

export interface Simulator {
  readonly url: string;
  /** For GRAPH_API_URL. */
  readonly metaUrl: string;
  /** For ANTHROPIC_BASE_URL. */
  readonly anthropicUrl: string;
  /** Before `/v1/images/generations`. */
  readonly imagesUrl: string;
  /** Before `/v1/checkout/sessions`. */
  readonly checkoutUrl: string;
  /** For CLOUD_TASKS_API_URL, GCE_METADATA_HOST and, with `/oauth2/v3/certs`, CLOUD_TASKS_JWKS_URL. */
  readonly tasksUrl: string;
  /** The control API in process, without HTTP. */
  readonly control: SimulatorClient;
  readonly meta: Meta;
  readonly anthropic: Anthropic;
  readonly images: Images;
  readonly checkout: CheckoutDesk;
  readonly tasks: CloudTasks;
  close(): Promise<void>;
}

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const given = options.world;
  // The parts take single functions out of the world, so a world with methods must not lose its `this`.
  const world: SimulatorWorld = {
    nowMs: () => given.nowMs(),
    setTimer: (delayMs, fn) => given.setTimer(delayMs, fn),
    random: () => given.random(),
  };
  const engine = new Engine({ ...options, world });
  const { meta, anthropic, images, checkout, tasks, log } = engine;
  const control = createControl({ meta, anthropic, images, checkout, tasks });
  const live = createLiveEvents(log, world.setTimer);
  const { staticHandler } = options;
  const handler = createRequestHandler({ world, engine, control, live, staticHandler });
  const server = createServer({ keepAliveTimeout: 60_000 }, handler);
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (options.setup?.publicUrl === undefined) meta.settings.publicUrl = url;

  const inProcess = createSimulatorClient(url, {
    async request(target, init) {
      const { path, query } = splitUrl(target.slice(url.length));
      const answering = control.handle(
        { method: init.method, path, query, headers: init.headers, body: init.body ?? '' },
        world.nowMs(),
      );
      engine.pump();
      const { status, body } = await answering;
      return { status, text: async () => body };
    },
  });

  let closing: Promise<void> | null = null;
  return {
    url,
    metaUrl: url,
    anthropicUrl: url,
    imagesUrl: url,
    checkoutUrl: url,
    tasksUrl: url,
    control: inProcess,
    meta,
    anthropic,
    images,
    checkout,
    tasks,
    close() {
      closing ??= new Promise<void>((resolve) => {
        engine.close();
        live.close();
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}
