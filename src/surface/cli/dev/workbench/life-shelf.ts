/**
 * What was told, laid out by customer, so that the life of one message is read from a few hundred records and not from
 * all. Records name messages, conversations, turns' activities and sends; what is named together belongs to one customer, and
 * two shelves that turn out to be one are put together.
 *
 * There is room for so many records; the customer of whom nothing was heard for longest makes room first. Made customers of
 * a load have a room of their own, so that they do not drive out the people on the phone.
 */
import type { SimulatorEvent } from '#simulator/index.ts';
import { loadPrefix } from './load.ts';
import type { BookedMoment, LifeRecord } from './moment-book.ts';

const roomMax = 60_000;
/** Of one customer: some hundred messages. */
const shelfMax = 4_000;
/** Less is not worth keeping a part of. */
const halvedMin = 100;
const aroundMax = 1_000;

interface Shelf {
  /** Oldest first. */
  records: LifeRecord[];
  names: Set<string>;
  isLoad: boolean;
}

/** Of all customers, or of none. */
const around: ReadonlySet<string> = new Set([
  'serverStarting',
  'serverReady',
  'serverEnded',
  'serverKilled',
  'clockMoved',
] satisfies BookedMoment['kind'][]);

export class LifeShelf {
  readonly #byName = new Map<string, Shelf>();
  /** Each with the one first of whom nothing was heard for longest. */
  readonly #rooms = { people: new Set<Shelf>(), load: new Set<Shelf>() };
  readonly #counts = { people: 0, load: 0 };
  readonly #roomMax: number;
  #around: LifeRecord[] = [];

  constructor(options: { roomMax?: number } = {}) {
    this.#roomMax = options.roomMax ?? roomMax;
  }

  /** By the time at which each was, oldest first; with what happened to the server meanwhile. */
  about(wamid: string): LifeRecord[] {
    return mergedByTime(this.#byName.get(messageName(wamid))?.records ?? [], this.#around);
  }

  add(record: LifeRecord): void {
    if ('moment' in record && around.has(record.moment.kind)) {
      putByTime(this.#around, record);
      if (this.#around.length > 2 * aroundMax) this.#around = this.#around.slice(-aroundMax);
      return;
    }
    // A webhook may bring the messages of many customers, who have nothing to do with each other.
    if ('event' in record && 'subjects' in record.event) {
      const names = record.event.subjects.flatMap(({ wamid }) =>
        wamid === null ? [] : [messageName(wamid)],
      );
      for (const shelf of new Set(names.map((name) => this.#byName.get(name)))) {
        if (shelf !== undefined) this.#put(shelf, record);
      }
      return;
    }
    const names = namesIn(record);
    if (names.length > 0) this.#put(this.#shelfOf(names, isOfLoad(record)), record);
  }

  #put(shelf: Shelf, record: LifeRecord): void {
    const room = shelf.isLoad ? 'load' : 'people';
    putByTime(shelf.records, record);
    this.#counts[room] += 1;
    this.#rooms[room].delete(shelf);
    this.#rooms[room].add(shelf);
    if (shelf.records.length > shelfMax) this.#halve(shelf);
    while (this.#counts[room] > this.#roomMax) {
      const [oldest] = this.#rooms[room];
      if (oldest === undefined) return;
      this.#halve(oldest);
    }
  }

  #shelfOf(names: readonly string[], isLoad: boolean): Shelf {
    const found = [...new Set(names.map((name) => this.#byName.get(name)))].filter(
      (shelf) => shelf !== undefined,
    );
    const [shelf = { records: [], names: new Set<string>(), isLoad }, ...others] = found;
    for (const other of others) this.#join(shelf, other);
    if (isLoad && !shelf.isLoad) this.#toLoad(shelf);
    this.#name(shelf, names);
    return shelf;
  }

  #name(shelf: Shelf, names: Iterable<string>): void {
    for (const name of names) {
      shelf.names.add(name);
      this.#byName.set(name, shelf);
    }
  }

  #join(shelf: Shelf, other: Shelf): void {
    this.#remove(other);
    const room = shelf.isLoad ? 'load' : 'people';
    this.#counts[room] += other.records.length;
    shelf.records = mergedByTime(shelf.records, other.records);
    this.#name(shelf, other.names);
  }

  #toLoad(shelf: Shelf): void {
    this.#remove(shelf);
    shelf.isLoad = true;
    this.#counts.load += shelf.records.length;
  }

  #remove(shelf: Shelf): void {
    const room = shelf.isLoad ? 'load' : 'people';
    if (this.#rooms[room].delete(shelf)) this.#counts[room] -= shelf.records.length;
  }

  /** Its older half is forgotten, or all of it where that is little. */
  #halve(shelf: Shelf): void {
    const isSmall = shelf.records.length < halvedMin;
    const kept = isSmall ? [] : shelf.records.slice(Math.floor(shelf.records.length / 2));
    this.#counts[shelf.isLoad ? 'load' : 'people'] -= shelf.records.length - kept.length;
    for (const name of shelf.names) this.#byName.delete(name);
    shelf.names.clear();
    shelf.records = kept;
    if (isSmall) this.#remove(shelf);
    else this.#name(shelf, kept.flatMap(namesIn));
  }
}

export const atMsOf = (record: LifeRecord): number =>
  'moment' in record ? record.moment.atMs : record.event.atMs;

/** The server's words may come a moment after the simulator's, so its place is near the end, or the end. */
function putByTime(records: LifeRecord[], record: LifeRecord): void {
  const atMs = atMsOf(record);
  let at = records.length;
  while (at > 0 && atMsOf(records[at - 1]!) > atMs) at -= 1;
  if (at === records.length) records.push(record);
  else records.splice(at, 0, record);
}

/** Of what was at the same time, the first list's comes first. */
function mergedByTime(first: readonly LifeRecord[], second: readonly LifeRecord[]): LifeRecord[] {
  const merged: LifeRecord[] = [];
  let at = 0;
  for (const record of first) {
    const atMs = atMsOf(record);
    while (at < second.length && atMsOf(second[at]!) < atMs) merged.push(second[at++]!);
    merged.push(record);
  }
  while (at < second.length) merged.push(second[at++]!);
  return merged;
}

const messageName = (wamid: string) => `message ${wamid}`;
const activityName = (activityId: string) => `activity ${activityId}`;
const sendName = (sendId: string) => `send ${sendId}`;
const named = (name: (id: string) => string, id: unknown): string[] =>
  typeof id === 'string' ? [name(id)] : [];

/** What it names that is of one customer alone. */
function namesIn(record: LifeRecord): string[] {
  return 'event' in record ? namesInEvent(record.event) : namesInMoment(record.moment);
}

function namesInEvent(event: SimulatorEvent): string[] {
  if ('subjects' in event) return [];
  const { phoneNumberId, contactId, wamid, opaque } = event as Partial<Record<string, unknown>>;
  return [
    ...(typeof contactId === 'string' && typeof phoneNumberId === 'string'
      ? [`chat ${phoneNumberId} ${contactId}`]
      : []),
    ...named(messageName, wamid),
    ...named(sendName, opaque),
  ];
}

function namesInMoment(moment: BookedMoment): string[] {
  const fields = moment as Partial<Record<string, unknown>>;
  const conversation = `conversation ${fields.tenantId} ${fields.conversationId}`;
  const own = [
    ...(typeof fields.conversationId === 'string' ? [conversation] : []),
    ...named(messageName, fields.wamid),
    ...named(activityName, fields.activityId),
    ...named(sendName, fields.sendId),
  ];
  if (moment.kind === 'operatorReplied') own.push(...moment.sendIds.map(sendName));
  if (moment.kind !== 'turnTaken' && moment.kind !== 'turnCommitted') return own;
  own.push(
    ...moment.events.flatMap(({ wamid, activityId }) => [
      ...named(messageName, wamid),
      ...named(activityName, activityId),
    ]),
  );
  if (moment.kind === 'turnCommitted') {
    own.push(...moment.sends.map(({ sendId }) => sendName(sendId)));
    own.push(...moment.activities.map(({ activityId }) => activityName(activityId)));
  }
  return own;
}

function isOfLoad(record: LifeRecord): boolean {
  if ('moment' in record) return false;
  const { contactId } = record.event as { contactId?: unknown };
  return typeof contactId === 'string' && contactId.startsWith(loadPrefix);
}
