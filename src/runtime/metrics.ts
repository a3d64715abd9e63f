/**
 * Telemetry as Prometheus metrics. Names and labels come from the contract in `core/ports/telemetry.ts`; the gauges are
 * read from the store when somebody asks for them, and then at most every few seconds.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { StoreStats } from '#core/ports/store.ts';
import {
  type CounterName,
  counters,
  type HistogramName,
  histograms,
  type Telemetry,
} from '#core/ports/telemetry.ts';

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60];

export interface Gauges {
  activitiesRunning(): number;
  activitiesWaiting(): number;
  sendsInFlight(): number;
  sendsWaiting(): number;
  wakes(): number;
  /** 1, or 0 while the queue that announces them is away. */
  wakeQueue(): number;
  nowMs(): number;
  stats(): Promise<StoreStats>;
}

export class Metrics implements Telemetry {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #histograms = new Map<string, Histogram>();

  constructor() {
    for (const [name, { labels, help }] of Object.entries(counters))
      this.#counters.set(
        name,
        new Counter({ name, help, labelNames: [...labels], registers: [this.#registry] }),
      );
    for (const [name, { labels, help }] of Object.entries(histograms))
      this.#histograms.set(
        name,
        new Histogram({ name, help, labelNames: [...labels], buckets, registers: [this.#registry] }),
      );
  }

  count(name: CounterName, labels: Record<string, string | number> = {}, by = 1): void {
    this.#counters.get(name)?.inc(labels, by);
  }

  observe(name: HistogramName, seconds: number, labels: Record<string, string> = {}): void {
    this.#histograms.get(name)?.observe(labels, seconds);
  }

  /** Adds the gauges; asked for once per scrape. */
  watch(gauges: Gauges): void {
    const gauge = (name: string, help: string, labelNames: string[] = []) =>
      new Gauge({ name, help, labelNames, registers: [this.#registry] });
    const simple: [Gauge, () => number][] = [
      [
        gauge('nightdesk_activities_running', 'Activities that run in this process.'),
        gauges.activitiesRunning,
      ],
      [
        gauge('nightdesk_activities_waiting', 'Activities that wait for a slot in this process.'),
        gauges.activitiesWaiting,
      ],
      [gauge('nightdesk_sends_in_flight', 'Sends on the wire.'), gauges.sendsInFlight],
      [
        gauge('nightdesk_sends_waiting', 'Sends of this process that wait for their pace.'),
        gauges.sendsWaiting,
      ],
      [gauge('nightdesk_wakes_waiting', 'Conversations announced and not taken.'), gauges.wakes],
      [
        gauge(
          'nightdesk_wake_queue_up',
          'Whether the queue that announces conversations is there: 0 is away.',
        ),
        gauges.wakeQueue,
      ],
    ];
    const depth = gauge('nightdesk_mailbox_depth', 'Events that no turn has consumed.');
    const age = gauge('nightdesk_mailbox_age_seconds', 'Age of the oldest unconsumed event.');
    const awaiting = gauge('nightdesk_awaiting', 'Messages that were taken and await their answer.');
    const flags = gauge('nightdesk_flags_open', 'Conversations that ask for a person, by open flags.');
    const deadLetters = gauge('nightdesk_dead_letters_open', 'Dead letters that were not redriven.');
    const quarantine = gauge('nightdesk_quarantine_open', 'Items in quarantine.');
    const sends = gauge('nightdesk_sends', 'Sends that are not settled, or ended badly.', ['state']);
    const states = gauge('nightdesk_conversations', 'Conversations per dialog state.', ['state']);
    const held = gauge('nightdesk_conversations_held', 'Conversations that an operator holds.');
    const memory = gauge('process_resident_memory_bytes', 'Memory of the process.');
    this.#refresh = async () => {
      for (const [each, read] of simple) each.set(read());
      memory.set(process.memoryUsage.rss());
      const stats = await gauges.stats();
      depth.set(stats.mailboxDepth);
      age.set(stats.mailboxOldestMs === null ? 0 : (gauges.nowMs() - stats.mailboxOldestMs) / 1_000);
      awaiting.set(stats.awaiting);
      flags.set(stats.flagsOpen);
      deadLetters.set(stats.deadLettersOpen);
      quarantine.set(stats.quarantineOpen);
      held.set(stats.held);
      sends.reset();
      for (const [state, count] of Object.entries(stats.sendsByState)) sends.set({ state }, count);
      states.reset();
      for (const { label, count } of stats.conversationsByState) states.set({ state: label }, count);
    };
  }

  #refresh: () => Promise<void> = () => Promise.resolve();

  async text(): Promise<string> {
    await this.#refresh();
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}
