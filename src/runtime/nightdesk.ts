/**
 * The composition root: it makes the stations, introduces them to each other and gives everything one life. Stations
 * know only the core; what one hands to the next is wired here and nowhere else. To add a station, make it here, wire what
 * it hands on, and put it in `stop` in the order in which work flows.
 */
import { assistant } from '#core/dialog/assistant.ts';
import { eventSchemasOf } from '#core/dialog/business-events.ts';
import type { Dialog } from '#core/dialog/dialog.ts';
import { limits } from '#core/limits.ts';
import { makeId } from '#core/model/ids.ts';
import { readReceipt } from '#core/model/send-builders/index.ts';
import type { FileDriver } from '#core/ports/files.ts';
import type { ModelClient, Transcriber } from '#core/ports/model.ts';
import type { SendRef, Store } from '#core/ports/store.ts';
import type { BudgetAlert } from '#core/ports/store-money.ts';
import type { Wake } from '#core/ports/wake.ts';
import type { World } from '#core/ports/world.ts';
import { type ChargesStation, createChargesStation } from '#pipeline/activity/charges.ts';
import { Circuits } from '#pipeline/activity/circuit.ts';
import { createFetchMediaHandler } from '#pipeline/activity/fetch-media.ts';
import { createReplyHandler } from '#pipeline/activity/reply.ts';
import {
  type ActivityHandler,
  type ActivityStation,
  createActivityStation,
} from '#pipeline/activity/station.ts';
import { createVoiceNotes, type VoiceNotes } from '#pipeline/activity/voice-notes.ts';
import {
  type Caller,
  createEventsStation,
  type EventAnswer,
  type EventsStation,
} from '#pipeline/events/station.ts';
import { createFilesStation, type FilesStation } from '#pipeline/files/station.ts';
import { createGraphClient, type GraphClient } from '#pipeline/graph/client.ts';
import { createMediaFetcher } from '#pipeline/graph/media.ts';
import { createMediaUploader } from '#pipeline/graph/media-out.ts';
import { createKeeper, type Keeper } from '#pipeline/mailbox/keeper.ts';
import { type Receipt, Receipts } from '#pipeline/outbox/receipts.ts';
import { createOutboxStation, type OutboxStation, paceRulesOf } from '#pipeline/outbox/station.ts';
import { createTurnStation, type TurnDone, type TurnStation } from '#pipeline/turn/station.ts';
import { createWebhookStation, type WebhookStation } from '#pipeline/webhook/station.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { AnswerTimes } from './answer-times.ts';
import { BadConfig, type Config } from './config.ts';
import { Directory } from './directory.ts';
import { openLocalFiles } from './files.ts';
import { Metrics } from './metrics.ts';
import { fetchOver } from './models/fetch-over-http.ts';
import { observedModel, observedWake } from './observed.ts';
import { filesFor, findHandlers, tellOfBudget } from './own-activities.ts';
import type { Secrets } from './world/secrets.ts';

export type { Caller, EventAnswer };

export interface NightdeskParts {
  config: Config;
  world: World;
  store: Store;
  secrets: Secrets;
  model: ModelClient;
  /** Without one, customers are told that voice notes cannot be read. */
  transcriber?: Transcriber;
  /** Where the bytes of files lie; what the configuration says if absent. */
  files?: FileDriver;
  /** The local one if absent. */
  wake?: Wake;
  /** The store has one owner at a time, so what a dead owner left can be taken over at once. */
  singleOwner: boolean;
}

/** Messages can be taken only where `ready`; the others pass by themselves or when an operator has mended the store. */
export type Readiness = 'starting' | 'ready' | 'storeUnavailable';

export interface Nightdesk {
  readonly config: Config;
  readonly world: World;
  readonly store: Store;
  readonly secrets: Secrets;
  readonly directory: Directory;
  readonly metrics: Metrics;
  readonly webhook: WebhookStation;
  readonly events: EventsStation;
  readonly graph: GraphClient;
  readonly wake: Wake;
  readonly outbox: OutboxStation;
  readonly files: FilesStation;
  readonly dialogs: ReadonlyMap<string, Dialog>;
  /** Reads the tenants again and puts in what waited in quarantine for one of their numbers. */
  reloadTenants(): Promise<{ reappended: number }>;
  /** A person's change lets activities end and sends leave. */
  nudge(change: { sends?: SendRef[]; cancelled?: string[] }): void;
  readiness(): Readiness;
  start(): Promise<void>;
  /** No new work; running activities may end until the deadline; what is written is settled; leases are given back. */
  stop(options: { deadlineMs: number }): Promise<void>;
}

interface Stations {
  turn: TurnStation;
  activity: ActivityStation;
  charges: ChargesStation;
  outbox: OutboxStation;
  receipts: Receipts;
  keeper: Keeper;
}

export function createNightdesk(parts: NightdeskParts): Nightdesk {
  const { config, world, store, secrets } = parts;
  const directory = new Directory();
  const metrics = new Metrics();
  const wake = observedWake(parts.wake ?? createLocalWake(world), world);
  const dialogs = dialogsOf(config);
  const graph = createGraphClient({ http: world.http, ...config.graph });
  const tokenOf = (tenantId: string) => directory.tenant(tenantId)?.accessToken ?? config.accessToken;
  const runs = (role: Config['roles'][number]) => config.roles.includes(role);
  const files = createFilesStation({
    ...{ world, store, telemetry: metrics, tokenOf, retentionMs: config.retentionMs },
    driver: parts.files ?? openLocalFiles(config),
    uploadMedia: createMediaUploader({ http: world.http, ...config.graph }),
  });
  const shared: Shared = {
    parts,
    directory,
    metrics,
    wake,
    dialogs,
    graph,
    files,
    tokenOf,
    runs,
    times: new AnswerTimes(metrics),
    reloadTenants: () => reloadTenants(),
  };
  const stations = createStations(shared);
  const webhook = createWebhookStation({
    world,
    store,
    directory,
    telemetry: metrics,
    appSecrets: config.appSecrets,
    verifyTokens: config.verifyTokens,
    onAppended: ({ wakes, cancelled }) => {
      stations.activity.cancel(cancelled);
      for (const { ref, dueAtMs } of wakes) wake.notify(ref, dueAtMs);
    },
    onStatuses: ({ freed }) => stations.outbox.offer(freed),
  });
  const events = createEventsStation({
    ...{ world, store, directory, telemetry: metrics },
    schemas: eventSchemasOf(dialogs.values()),
    onAppended: (ref) => wake.notify(ref),
  });
  let ready = false;

  const reloadTenants = async () => {
    directory.replace((await store.readTenants()).map((tenant) => secrets.openTenant(tenant)));
    const numbers = directory
      .all()
      .flatMap((tenant) => tenant.phoneNumbers.map((number) => number.phoneNumberId));
    return { reappended: await redrive(store, webhook, world.clock.nowMs(), numbers) };
  };

  return {
    ...{ config, world, store, secrets, directory, metrics, webhook, events, graph, wake, dialogs },
    outbox: stations.outbox,
    files,
    reloadTenants,
    nudge: ({ sends, cancelled }) => {
      stations.activity.cancel(cancelled ?? []);
      stations.outbox.offer(sends ?? []);
    },
    readiness: () => (ready ? (stations.keeper.hasStore() ? 'ready' : 'storeUnavailable') : 'starting'),
    async start() {
      await reloadTenants();
      if (runs('turn')) stations.turn.start();
      if (runs('outbox')) stations.outbox.start();
      const rescued = await stations.keeper.start({ all: parts.singleOwner });
      if (Object.values(rescued).some((count) => count > 0))
        world.log.info({ ...rescued }, 'Took over what a process that died had under way.');
      files.start();
      ready = true;
    },
    async stop({ deadlineMs }) {
      ready = false;
      stations.keeper.stop();
      stations.receipts.stop();
      await files.stop();
      const startedMs = world.clock.monotonicMs();
      await stations.activity.stop({ deadlineMs });
      await stations.charges.stop();
      await stations.turn.stop();
      await stations.outbox.stop({
        deadlineMs: Math.max(500, deadlineMs - (world.clock.monotonicMs() - startedMs)),
      });
      wake.stop();
    },
  };
}

/** Quarantined items of these numbers that now find a mailbox; returns how many did. */
export async function redrive(
  store: Store,
  webhook: WebhookStation,
  nowMs: number,
  phoneNumberIds: string[],
): Promise<number> {
  const rows = await store.listQuarantine({ open: true, max: limits.sweepBatchMax, phoneNumberIds });
  const items = rows.flatMap((row) =>
    row.item === null ? [] : [{ quarantineId: row.quarantineId, tenantId: row.tenantId, item: row.item }],
  );
  const quarantineIds = await webhook.reappend(items);
  if (quarantineIds.length > 0) await store.markRedriven({ quarantineIds, nowMs });
  return quarantineIds.length;
}

function dialogsOf(config: Config): Map<string, Dialog> {
  const dialogs = new Map([[assistant.name, assistant]]);
  for (const dialog of config.file.dialogs ?? []) {
    if (dialogs.has(dialog.name) && dialog.name !== assistant.name)
      throw new BadConfig(
        `nightdesk.config.ts names the dialog "${dialog.name}" twice. Give each its own name.`,
      );
    dialogs.set(dialog.name, dialog);
  }
  return dialogs;
}

interface Shared {
  parts: NightdeskParts;
  directory: Directory;
  metrics: Metrics;
  wake: Wake;
  dialogs: Map<string, Dialog>;
  graph: GraphClient;
  files: FilesStation;
  times: AnswerTimes;
  reloadTenants(): Promise<unknown>;
  tokenOf(tenantId: string): string | undefined;
  runs(role: Config['roles'][number]): boolean;
}

function createStations(shared: Shared): Stations {
  const { parts, directory, metrics, wake, dialogs, graph, tokenOf, runs, times } = shared;
  const { world, store, config } = parts;
  const ownerId = makeId('own', world.clock.nowMs(), world.random);
  const base = { world, store, directory, telemetry: metrics, ownerId };
  const outbox = createOutboxStation({
    ...base,
    tokenOf,
    transmit: (call) => graph.send(call),
    onAccepted: (sendId, atMs) => times.accepted(sendId, atMs),
  });
  const receipts = new Receipts({
    ...{ store, telemetry: metrics },
    nowMs: world.clock.nowMs,
    rulesOf: (tenantId, phoneNumberId) => paceRulesOf(directory, tenantId, phoneNumberId),
    isBusy: (tenantId, phoneNumberId) => outbox.isBusy(tenantId, phoneNumberId),
    transmit: (receipt) => markRead(graph, tokenOf(receipt.tenantId), receipt),
  });
  const voiceNotes = voiceNotesOf(shared);
  const builtIn = builtInOf(shared, voiceNotes);
  const handlers = findHandlers(dialogs.values(), builtIn, {
    ...base,
    fetchWithin: (timeoutMs) =>
      fetchOver(world.http, { purpose: 'provider', bytes: true, ...(timeoutMs && { timeoutMs }) }),
    filesOf: filesFor(shared.files),
  });
  const money = {
    ...handlers,
    budgetOf: (tenantId: string) => directory.tenant(tenantId)?.budget,
    onAlerts: (tenantId: string, alerts: readonly BudgetAlert[]) =>
      tellOfBudget({ log: world.log, telemetry: metrics }, tenantId, alerts),
  };
  const charges = createChargesStation({ ...base, ...money });
  const activity = createActivityStation({
    ...base,
    ...money,
    ceilingOf: (tenantId) => directory.tenant(tenantId)?.activitiesMax ?? limits.activitiesPerTenantMax,
    onSettled: (ref, _activity, seconds) => {
      times.modelTook(ref.conversationId, seconds);
      wake.notify(ref);
    },
  });
  const keeper = createKeeper({
    ...base,
    wake,
    retentionMs: config.retentionMs,
    onActivities: (activities) => runs('activity') && activity.start(activities),
    onCharges: (found) => runs('activity') && charges.start(found),
    onSends: (sends) => runs('outbox') && outbox.offer(sends),
    onUncertain: (atMs) => outbox.uncertainAt(atMs),
    onTenants: async () => {
      await shared.reloadTenants();
      outbox.resume();
    },
  });
  const onCommitted = (done: TurnDone) => {
    const { ref } = done;
    if (done.oldestReceivedAtMs !== null) times.received(ref.conversationId, done.oldestReceivedAtMs);
    const [first] = done.sends;
    if (first !== undefined) times.answered(ref.conversationId, first.sendId);
    activity.cancel(done.cancelled);
    activity.start(done.activities);
    outbox.offer(done.sends);
    if (done.nextTimerAtMs !== null) keeper.timerAt(done.nextTimerAtMs);
    for (const receipt of done.receipts) receipts.show({ ...ref, ...receipt });
  };
  const turn = createTurnStation({
    ...base,
    wake,
    dialog: (name) => dialogs.get(name),
    runsActivities: runs('activity'),
    transcribes: voiceNotes !== undefined,
    signerOf: ({ tenantId, conversationId }) => parts.secrets.signer(`taps\n${tenantId}\n${conversationId}`),
    onCommitted,
  });
  metrics.watch({
    activitiesRunning: () => activity.running(),
    activitiesWaiting: () => activity.waiting(),
    sendsInFlight: () => outbox.inFlight(),
    sendsWaiting: () => outbox.waiting(),
    wakes: () => wake.depth(),
    nowMs: world.clock.nowMs,
    stats: () => store.stats(),
  });
  return { turn, activity, charges, outbox, receipts, keeper };
}

/** The activities that the runtime has itself, by name. */
function builtInOf(
  { parts, directory, files, tokenOf }: Shared,
  voiceNotes: VoiceNotes | undefined,
): Map<string, ActivityHandler> {
  const { world, store, config } = parts;
  const reply = createReplyHandler({
    ...{ store, directory, model: observedModel(parts.model, world) },
    circuits: new Circuits(world.clock.monotonicMs),
    ...(voiceNotes && { voiceNotes }),
  });
  const fetchMedia = createFetchMediaHandler({
    tokenOf,
    fetchMedia: createMediaFetcher({ http: world.http, ...config.graph }),
    keep: (file) => files.put(file),
  });
  return new Map([
    ['reply', reply],
    ['fetchMedia', fetchMedia],
  ]);
}

function voiceNotesOf({ parts, tokenOf }: Shared): VoiceNotes | undefined {
  const { world, config, transcriber } = parts;
  if (transcriber === undefined) return undefined;
  return createVoiceNotes({
    transcriber,
    tokenOf,
    log: world.log,
    fetchMedia: createMediaFetcher({ http: world.http, ...config.graph }),
  });
}

async function markRead(graph: GraphClient, token: string | undefined, receipt: Receipt): Promise<boolean> {
  if (token === undefined) return false;
  const outcome = await graph.markRead({
    phoneNumberId: receipt.phoneNumberId,
    token,
    receipt: readReceipt(receipt.wamid, { typing: receipt.typing }),
    timeoutMs: limits.receiptTimeoutMs,
  });
  return outcome.kind === 'ok';
}
