/**
 * The composition root: it makes the stations, introduces them to each other and gives everything one life. Stations
 * know only the core; what one hands to the next is wired here and nowhere else. To add a station, make it here, wire what
 * it hands on, and put it in `stop` in the order in which work flows.
 */
import { eventSchemasOf } from '#core/dialog/business-events.ts';
import type { Dialog } from '#core/dialog/dialog.ts';
import { limits } from '#core/limits.ts';
import { makeId } from '#core/model/ids.ts';
import type { FileDriver } from '#core/ports/files.ts';
import type { ModelClient, Transcriber } from '#core/ports/model.ts';
import type { Notices } from '#core/ports/notices.ts';
import type { SendRef, Store } from '#core/ports/store.ts';
import type { BudgetAlert } from '#core/ports/store-money.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { Wake } from '#core/ports/wake.ts';
import type { World } from '#core/ports/world.ts';
import { type ChargesStation, createChargesStation } from '#pipeline/activity/charges.ts';
import { type ActivityStation, createActivityStation } from '#pipeline/activity/station.ts';
import {
  type Caller,
  createEventsStation,
  type EventAnswer,
  type EventsStation,
} from '#pipeline/events/station.ts';
import { createFilesStation, type FilesStation } from '#pipeline/files/station.ts';
import { createGraphClient, type GraphClient } from '#pipeline/graph/client.ts';
import { createMediaUploader } from '#pipeline/graph/media-out.ts';
import { createKeeper, type Keeper, type KeeperDeps } from '#pipeline/mailbox/keeper.ts';
import { Receipts } from '#pipeline/outbox/receipts.ts';
import { createOutboxStation, type OutboxStation, paceRulesOf } from '#pipeline/outbox/station.ts';
import { createTurnStation, type TurnDone, type TurnStation } from '#pipeline/turn/station.ts';
import { createWebhookStation, type WebhookStation } from '#pipeline/webhook/station.ts';
import type { CloudTasksWake } from '#wake/cloud-tasks/index.ts';
import { createLocalWake } from '#wake/local/index.ts';
import { AnswerTimes } from './answer-times.ts';
import { builtInOf, voiceNotesOf } from './built-in-activities.ts';
import type { Config } from './config.ts';
import { dialogsOf } from './dialogs.ts';
import { Directory } from './directory.ts';
import { openLocalFiles } from './files.ts';
import { markRead } from './mark-read.ts';
import { Metrics } from './metrics.ts';
import { fetchOver } from './models/fetch-over-http.ts';
import { observedWake } from './observed.ts';
import { createToldWake, followNotices, workOf } from './other-processes.ts';
import { filesFor, findHandlers, tellOfBudget } from './own-activities.ts';
import type { QueueBoard } from './queue-board.ts';
import { WakeRequests } from './wake-requests.ts';
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
  /** In its place: wakes as tasks, which come back as requests to our own door. */
  openTasks?: (telemetry: Telemetry) => CloudTasksWake;
  /** The page of the wakes' queue, where an operator may see it. */
  board?: QueueBoard;
  /** The store has one owner at a time, so what a dead owner left can be taken over at once. */
  singleOwner: boolean;
  /** Where other processes work on the same store. */
  notices?: Notices;
  /** Made here if absent. */
  ownerId?: string;
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
  /** What comes back from the task queue; absent without one. */
  readonly requests: WakeRequests | undefined;
  readonly outbox: OutboxStation;
  readonly files: FilesStation;
  readonly dialogs: ReadonlyMap<string, Dialog>;
  readonly board: QueueBoard | undefined;
  /** Reads the tenants again and puts in what waited in quarantine for one of their numbers. */
  reloadTenants(): Promise<{ reappended: number }>;
  /** Tells other processes on the same store that tenants were applied. */
  tellTenants(): void;
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
  /** Sends that may leave. */
  offer(sends: readonly SendRef[]): void;
}

export function createNightdesk(parts: NightdeskParts): Nightdesk {
  const { config, world, store, secrets } = parts;
  const directory = new Directory();
  const metrics = new Metrics();
  const tasks = parts.openTasks?.(metrics);
  const requests = tasks && new WakeRequests({ world, telemetry: metrics, wake: tasks });
  const wake = observedWake(tasks ?? parts.wake ?? ownWake(parts), world);
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
    requests,
    dialogs,
    graph,
    files,
    tokenOf,
    runs,
    times: new AnswerTimes(metrics),
    reloadTenants: () => reloadTenants(),
  };
  const stations = createStations(shared);
  const webhook = webhookOf(shared, stations);
  const events = createEventsStation({
    ...{ world, store, directory, telemetry: metrics },
    schemas: eventSchemasOf(dialogs.values()),
    onAppended: (ref) => {
      wake.notify(ref);
      return wake.announced?.([ref]);
    },
  });
  let ready = false;

  const reloadTenants = async () => {
    directory.replace((await store.readTenants()).map((tenant) => secrets.openTenant(tenant)));
    const numbers = directory
      .all()
      .flatMap((tenant) => tenant.phoneNumbers.map((number) => number.phoneNumberId));
    return { reappended: await redrive(store, webhook, world.clock.nowMs(), numbers) };
  };

  if (parts.notices !== undefined)
    followNotices(parts.notices, workOf(config.roles), {
      wake: (ref) => wake.notify(ref),
      offer: (sends) => stations.offer(sends),
      lookNow: () => stations.keeper.lookNow(),
      reloadTenants: () => void stations.keeper.followTenants(),
    });

  return {
    ...{ config, world, store, secrets, directory, metrics, webhook, events, graph, wake, requests, dialogs },
    outbox: stations.outbox,
    files,
    board: parts.board,
    reloadTenants,
    tellTenants: () => parts.notices?.tell({ tenants: true }),
    nudge: ({ sends, cancelled }) => {
      stations.activity.cancel(cancelled ?? []);
      stations.offer(sends ?? []);
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
      requests?.stop();
      stations.keeper.stop();
      stations.receipts.stop();
      await files.stop();
      const startedMs = world.clock.monotonicMs();
      await stations.activity.stop({ deadlineMs });
      await stations.charges.stop();
      await stations.turn.stop();
      // At once, since nobody here looks any more: what this process took off a queue is handed to the others.
      const wakeStopped = wake.stop();
      await stations.outbox.stop({
        deadlineMs: Math.max(500, deadlineMs - (world.clock.monotonicMs() - startedMs)),
      });
      await wakeStopped;
    },
  };
}

/** The local one, in a process that looks at conversations itself or has nobody to tell. */
const ownWake = ({ config, world, notices }: NightdeskParts): Wake =>
  notices === undefined || config.roles.includes('turn') ? createLocalWake(world) : createToldWake(notices);

function webhookOf({ parts, directory, metrics, wake }: Shared, stations: Stations): WebhookStation {
  const { appSecrets, verifyTokens } = parts.config;
  return createWebhookStation({
    ...{ world: parts.world, store: parts.store, directory, telemetry: metrics },
    ...{ appSecrets, verifyTokens },
    onAppended: ({ wakes, cancelled }) => {
      stations.activity.cancel(cancelled);
      for (const { ref, dueAtMs } of wakes) wake.notify(ref, dueAtMs);
      return wake.announced?.(wakes.map(({ ref }) => ref));
    },
    onStatuses: ({ freed }) => {
      stations.offer(freed);
      return wake.announced?.(freed.map(({ ref }) => ref));
    },
  });
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

interface Shared {
  parts: NightdeskParts;
  directory: Directory;
  metrics: Metrics;
  wake: Wake;
  requests: WakeRequests | undefined;
  dialogs: Map<string, Dialog>;
  graph: GraphClient;
  files: FilesStation;
  times: AnswerTimes;
  reloadTenants(): Promise<unknown>;
  tokenOf(tenantId: string): string | undefined;
  runs(role: Config['roles'][number]): boolean;
}

function createStations(shared: Shared): Stations {
  const { parts, directory, metrics, wake, requests, dialogs, graph, tokenOf, runs, times } = shared;
  const { world } = parts;
  const store = requests?.watch(parts.store) ?? parts.store;
  const ownerId = parts.ownerId ?? makeId('own', world.clock.nowMs(), world.random);
  const base = { world, store, directory, telemetry: metrics, ownerId };
  const outbox = createOutboxStation({
    ...base,
    tokenOf,
    transmit: (call) => graph.send(call),
    onAccepted: (sendId, atMs) => times.accepted(sendId, atMs),
    ...requests?.ofOutbox,
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
    onOver: (over) => requests?.activityOver(over),
  });
  const offer = (sends: readonly SendRef[]) => {
    if (requests !== undefined) requests.offer(sends);
    else if (runs('outbox')) outbox.offer(sends);
    else if (sends.length > 0) parts.notices?.tell({ sends: [...sends] });
  };
  const keeper = createKeeperOf(shared, base, { outbox, activity, charges, offer });
  const onCommitted = (done: TurnDone) => {
    const { ref } = done;
    if (done.oldestReceivedAtMs !== null) times.received(ref.conversationId, done.oldestReceivedAtMs);
    const [first] = done.sends;
    if (first !== undefined) times.answered(ref.conversationId, first.sendId);
    activity.cancel(done.cancelled);
    if (runs('activity')) activity.start(done.activities);
    else if (done.activities.length > 0) parts.notices?.tell({ activities: true });
    offer(done.sends);
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
  watchOver(shared, { activity, outbox });
  requests?.connect({ outbox, activity, keeper, charges });
  return { turn, activity, charges, outbox, receipts, keeper, offer };
}

function createKeeperOf(
  { parts, wake, requests, runs, reloadTenants }: Shared,
  base: Pick<KeeperDeps, 'world' | 'store' | 'directory' | 'telemetry' | 'ownerId'>,
  { outbox, activity, charges, offer }: Pick<Stations, 'outbox' | 'activity' | 'charges' | 'offer'>,
): Keeper {
  return createKeeper({
    ...base,
    wake,
    only: workOf(parts.config.roles),
    retentionMs: parts.config.retentionMs,
    known: () => [...activity.known(), ...charges.known()],
    onLost: (activityIds) => activity.cancel(activityIds),
    ...requests?.ofKeeper,
    onActivities: (found) =>
      runs('activity') && (requests === undefined ? activity.start(found) : requests.takeIn(found)),
    onCharges: (found) => runs('activity') && charges.start(found),
    onSends: (sends) => runs('outbox') && offer(sends),
    onUncertain: (atMs) =>
      runs('outbox') &&
      (requests === undefined ? outbox.uncertainAt(atMs) : requests.lookAt('uncertain', atMs)),
    onTenants: async () => {
      await reloadTenants();
      outbox.resume();
    },
  });
}

function watchOver(
  { parts, metrics, wake }: Shared,
  { activity, outbox }: Pick<Stations, 'activity' | 'outbox'>,
): void {
  metrics.watch({
    activitiesRunning: () => activity.running(),
    activitiesWaiting: () => activity.waiting(),
    sendsInFlight: () => outbox.inFlight(),
    sendsWaiting: () => outbox.waiting(),
    wakes: () => wake.depth(),
    wakeQueue: () => (wake.health?.().state === 'away' ? 0 : 1),
    nowMs: parts.world.clock.nowMs,
    stats: () => parts.store.stats(),
  });
}
