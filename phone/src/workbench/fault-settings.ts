/** From the settings of the simulator to what the panel shows, and from what a person moves to a patch of the settings. */
import { type Fault, faultGroups, type LevelFault, type TriggerFault } from './fault-catalogue.ts';

export type Settings = Readonly<Record<string, unknown>>;

export interface Readings {
  faults: Settings;
  model: Settings;
  /** How often each fault has happened, by its key. */
  fired: Readonly<Record<string, number>>;
}

export interface TriggerSetting {
  /** 0..1 */
  rate: number;
  next: number;
}

const objectOf = (value: unknown): Settings =>
  typeof value === 'object' && value !== null ? (value as Settings) : {};
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
const listOf = (value: unknown): readonly Settings[] => (Array.isArray(value) ? value.map(objectOf) : []);

/** `model.hang` is `hang` in the settings of the model. */
const nameOf = ({ key }: Fault): string => key.replace(/^model\./, '');
const settingsOf = (readings: Readings, fault: Fault): Settings =>
  fault.door === 'model' ? readings.model : readings.faults;

export function triggerOf(readings: Readings, fault: TriggerFault): TriggerSetting {
  const settings = settingsOf(readings, fault);
  const found =
    fault.code === undefined
      ? objectOf(settings[nameOf(fault)])
      : (listOf(settings.graphError).find(({ code }) => code === fault.code) ?? {});
  return { rate: numberOf(found.rate), next: numberOf(found.next) };
}

export function levelOf(readings: Readings, fault: LevelFault): number {
  const [name, field] = fault.path;
  return numberOf(objectOf(settingsOf(readings, fault)[name])[field]);
}

export function isOn(readings: Readings, fault: Fault): boolean {
  if (fault.kind === 'level') return levelOf(readings, fault) > fault.off;
  const { rate, next } = triggerOf(readings, fault);
  return rate > 0 || next > 0;
}

export function triggerPatch(
  readings: Readings,
  fault: TriggerFault,
  change: Partial<TriggerSetting>,
): Settings {
  if (fault.code === undefined) return { [nameOf(fault)]: change };
  // The list is set as a whole.
  const list = listOf(readings.faults.graphError);
  const others = list.filter(({ code }) => code !== fault.code);
  const before = list.find(({ code }) => code === fault.code) ?? {};
  const changed: Settings = { ...before, ...change, code: fault.code };
  const isEmpty = numberOf(changed.rate) === 0 && numberOf(changed.next) === 0;
  return { graphError: isEmpty ? others : [...others, changed] };
}

export function levelPatch({ path: [name, field] }: LevelFault, value: number): Settings {
  return { [name]: { [field]: value } };
}

/** The readings as they will be once the patch was taken. */
export function withPatch(readings: Readings, door: Fault['door'], patch: Settings): Readings {
  const settings = readings[door];
  const merged = Object.entries(patch).map(([name, value]) => {
    const isPart = typeof value === 'object' && value !== null && !Array.isArray(value);
    return [name, isPart ? { ...objectOf(settings[name]), ...value } : value] as const;
  });
  return { ...readings, [door]: { ...settings, ...Object.fromEntries(merged) } };
}

/** Faults of the simulator that the catalogue has no words for. */
export function unlistedFaults({ faults, model }: Readings): TriggerFault[] {
  return [...unlisted('faults', faults, ''), ...unlisted('model', model, 'model.')];
}

function unlisted(door: TriggerFault['door'], settings: Settings, prefix: string): TriggerFault[] {
  const listed = new Set(faultGroups.flatMap((group) => group.faults.map(({ key }) => key)));
  const isTrigger = (value: unknown) => typeof objectOf(value).rate === 'number';
  const named = Object.keys(settings).filter(
    (name) => isTrigger(settings[name]) && !listed.has(`${prefix}${name}`),
  );
  return named.map((name) => ({
    kind: 'trigger',
    door,
    key: `${prefix}${name}`,
    title: inWords(name),
    why: door === 'model' ? 'A fault of the model.' : 'A fault of the simulator.',
    occasion: 'times',
  }));
}

/** `dropFirstDeliveries` reads "Drop first deliveries". */
function inWords(name: string): string {
  const words = name.replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
