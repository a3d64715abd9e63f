/**
 * The faults as they are set in the simulator, and how often each has happened. While a person moves a slider, the newest
 * value is sent as soon as the one before was taken, and nothing that was read meanwhile moves it back.
 */
import { computed, signal } from '@preact/signals';
import { gathered } from '../data/gathered.ts';
import { onConnect, onEvents } from '../data/live.ts';
import * as doors from './doors.ts';
import { type Fault, faultGroups, type LevelFault, type TriggerFault } from './fault-catalogue.ts';
import {
  isOn,
  levelPatch,
  type Readings,
  type Settings,
  type TriggerSetting,
  triggerOf,
  triggerPatch,
  unlistedFaults,
  withPatch,
} from './fault-settings.ts';

const refreshMs = 300;

export const readings = signal<Readings>({ faults: {}, model: {}, fired: {} });
export const modelCalls = signal(0);
export const faultProblem = signal<string | null>(null);
export const areFaultsKnown = signal(false);
/** Whether somebody looks at how often they happen. */
export const arePanelsShown = signal(false);

export const others = computed(() => unlistedFaults(readings.value));

export const onCount = computed(() => {
  const all: Fault[] = [...faultGroups.flatMap(({ faults }) => [...faults]), ...others.value];
  return all.filter((fault) => isOn(readings.value, fault)).length;
});

/** What a person did; changes made meanwhile are laid over each other. */
const wanted = new Map<string, () => Promise<unknown>>();
let isWriting = false;
let text = '';

async function read(): Promise<void> {
  const [faults, model, counters] = await Promise.all([
    doors.getFaults(),
    doors.getModel(),
    doors.getCounts(),
  ]);
  if (isWriting || wanted.size > 0) return;
  const named = Object.entries(counters).flatMap(([name, count]) =>
    name.startsWith('fault.') ? [[name.slice('fault.'.length), count] as const] : [],
  );
  const found: Readings = { faults, model: model.settings, fired: Object.fromEntries(named) };
  modelCalls.value = model.stats.calls;
  areFaultsKnown.value = true;
  const foundText = JSON.stringify(found);
  if (foundText === text) return;
  text = foundText;
  readings.value = found;
}

const refreshSoon = gathered(read, refreshMs);

async function write(): Promise<void> {
  if (isWriting) return;
  isWriting = true;
  faultProblem.value = null;
  try {
    for (let next = wanted.entries().next(); !next.done; next = wanted.entries().next()) {
      const [key, change] = next.value;
      wanted.delete(key);
      await change();
    }
  } catch (error) {
    wanted.clear();
    faultProblem.value = error instanceof Error ? error.message : String(error);
  } finally {
    isWriting = false;
  }
  await read().catch(() => {});
}

function want(key: string, change: () => Promise<unknown>): void {
  wanted.set(key, change);
  void write();
}

const setOf = ({ door }: Fault) => (door === 'model' ? doors.setModel : doors.setFaults);

/** The settings as they are at the moment of writing: "the next one" counts down by itself. */
async function freshReadings({ door }: Fault): Promise<Readings> {
  const now = readings.peek();
  if (door === 'model') return { ...now, model: (await doors.getModel()).settings };
  return { ...now, faults: await doors.getFaults() };
}

type Change = (before: TriggerSetting) => Partial<TriggerSetting>;

/** Shown at once, so that a slider stays under the finger. */
function show(fault: Fault, patchOf: (now: Readings) => Settings): void {
  text = '';
  readings.value = withPatch(readings.peek(), fault.door, patchOf(readings.peek()));
}

/** Changes of one fault under one name replace each other while they wait. */
function changeTrigger(fault: TriggerFault, name: string, change: Change): void {
  const patchOf = (now: Readings) => triggerPatch(now, fault, change(triggerOf(now, fault)));
  show(fault, patchOf);
  want(`${fault.key} ${name}`, async () => setOf(fault)(patchOf(await freshReadings(fault))));
}

export function setRate(fault: TriggerFault, rate: number): void {
  changeTrigger(fault, 'rate', () => ({ rate }));
}

let nextCount = 0;

export function askNext(fault: TriggerFault): void {
  nextCount += 1;
  // Two clicks are two.
  changeTrigger(fault, `next ${nextCount}`, ({ next }) => ({ next: next + 1 }));
}

export function switchOff(fault: TriggerFault): void {
  changeTrigger(fault, 'rate', () => ({ rate: 0, next: 0 }));
}

export function setLevel(fault: LevelFault, value: number): void {
  const patch = levelPatch(fault, value);
  show(fault, () => patch);
  want(`${fault.key} level`, () => setOf(fault)(patch));
}

export function allOff(): void {
  wanted.clear();
  want('all', async () => {
    await doors.clearFaults();
    await doors.clearModel();
  });
}

onConnect(read);
onEvents((told) => {
  if (arePanelsShown.peek() || told.some(({ kind }) => kind === 'settingsChanged')) refreshSoon();
});
