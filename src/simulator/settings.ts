/**
 * What is set up at this Meta: the app's secrets, WABAs, phone numbers, tokens, the webhook URL, the rules that are
 * enforced and how long things take. Applying a setup twice is the same as once; nothing is removed except by reset.
 */
import type { RangeMs } from './draw.ts';
import { readArray, readNumber, readObject, readString } from './json-reading.ts';
import { createThroughputWindow, type ThroughputWindow } from './rates.ts';
import { ControlError, mergeSettings } from './setting-merge.ts';

export interface Waba {
  readonly id: string;
  name: string;
  subscribed: boolean;
  overrideUrl: string | null;
}

export interface PhoneNumber {
  readonly id: string;
  wabaId: string;
  /** As a person writes it; webhooks carry only its digits. */
  displayNumber: string;
  digits: string;
  verifiedName: string;
  throughputPerSecond: number;
  window: ThroughputWindow;
  overrideUrl: string | null;
}

export interface AccessToken {
  readonly token: string;
  /** Null: valid for every WABA. */
  wabaIds: readonly string[] | null;
  expired: boolean;
}

export interface Rules {
  throughput: boolean;
  /** Whether read receipts take a place in the throughput; Meta does not say. */
  countReads: boolean;
  pairLimit: boolean;
  /** What a free-form send outside 24 h meets: a failed status, a refusal, or nothing. */
  serviceWindow: 'async' | 'sync' | 'off';
  /** A send to an address no contact has: fails with 131026, or creates the contact. */
  unknownRecipient: 'fail' | 'create';
  opaqueOnFailed: boolean;
}

export interface Timings {
  sentMs: RangeMs;
  /** After sent. */
  deliveredMs: RangeMs;
  /** After delivered. */
  readMs: RangeMs;
  failedMs: RangeMs;
  webhookRetryFirstMs: number;
  webhookRetryFactor: number;
  webhookRetryMaxMs: number;
  webhookRetryForMs: number;
}

export interface Settings {
  appSecret: string;
  verifyToken: string;
  webhookUrl: string | null;
  /** Where media URLs point; the shell sets its own address. */
  publicUrl: string;
  rules: Rules;
  timings: Timings;
  readonly wabas: Map<string, Waba>;
  readonly phoneNumbers: Map<string, PhoneNumber>;
  /** Empty: every bearer token is good. */
  readonly accessTokens: Map<string, AccessToken>;
}

const SEVEN_DAYS_MS = 7 * 24 * 3_600_000;

export const defaultRules = (): Rules => ({
  throughput: true,
  countReads: true,
  pairLimit: true,
  serviceWindow: 'async',
  unknownRecipient: 'fail',
  opaqueOnFailed: true,
});

export const defaultTimings = (): Timings => ({
  sentMs: { minMs: 50, maxMs: 400 },
  deliveredMs: { minMs: 100, maxMs: 1_500 },
  readMs: { minMs: 500, maxMs: 6_000 },
  failedMs: { minMs: 200, maxMs: 2_000 },
  webhookRetryFirstMs: 1_000,
  webhookRetryFactor: 4,
  webhookRetryMaxMs: 6 * 3_600_000,
  webhookRetryForMs: SEVEN_DAYS_MS,
});

export function createSettings(): Settings {
  return {
    appSecret: 'simulator-app-secret',
    verifyToken: 'simulator-verify-token',
    webhookUrl: null,
    publicUrl: 'http://127.0.0.1',
    rules: defaultRules(),
    timings: defaultTimings(),
    wabas: new Map(),
    phoneNumbers: new Map(),
    accessTokens: new Map(),
  };
}

function applyWaba(settings: Settings, given: unknown): void {
  const id = readString(readObject(given)?.id) ?? readString(given);
  if (!id) throw new ControlError('Each entry of "wabas" needs an "id".');
  const source = readObject(given) ?? {};
  const before = settings.wabas.get(id);
  settings.wabas.set(id, {
    id,
    name: readString(source.name) ?? before?.name ?? `WABA ${id}`,
    subscribed: typeof source.subscribed === 'boolean' ? source.subscribed : (before?.subscribed ?? true),
    overrideUrl: readString(source.overrideUrl) ?? before?.overrideUrl ?? null,
  });
}

function applyPhoneNumber(settings: Settings, given: unknown): void {
  const source = readObject(given) ?? {};
  const id = readString(source.id);
  const before = id === undefined ? undefined : settings.phoneNumbers.get(id);
  const wabaId = readString(source.wabaId) ?? before?.wabaId;
  const displayNumber = readString(source.displayNumber) ?? before?.displayNumber;
  if (!id || !wabaId || !displayNumber) {
    throw new ControlError('Each entry of "phoneNumbers" needs "id", "wabaId" and "displayNumber".');
  }
  if (!settings.wabas.has(wabaId)) applyWaba(settings, wabaId);
  const throughputPerSecond = readNumber(source.throughputPerSecond) ?? before?.throughputPerSecond ?? 80;
  const isSamePace = before?.throughputPerSecond === throughputPerSecond;
  settings.phoneNumbers.set(id, {
    id,
    wabaId,
    displayNumber,
    digits: displayNumber.replace(/\D/g, ''),
    verifiedName: readString(source.verifiedName) ?? before?.verifiedName ?? `Business ${displayNumber}`,
    throughputPerSecond,
    window: before && isSamePace ? before.window : createThroughputWindow(Math.floor(throughputPerSecond)),
    overrideUrl: before?.overrideUrl ?? null,
  });
}

function applyAccessToken(settings: Settings, given: unknown): void {
  const source = readObject(given) ?? {};
  const token = readString(given) ?? readString(source.token);
  if (!token) throw new ControlError('Each entry of "accessTokens" is a string or needs a "token".');
  const wabaIds = readArray(source.wabaIds)?.filter((id) => typeof id === 'string');
  settings.accessTokens.set(token, { token, wabaIds: wabaIds ?? null, expired: source.expired === true });
}

function listOf(source: Readonly<Record<string, unknown>>, key: string): readonly unknown[] {
  if (source[key] === undefined) return [];
  const list = readArray(source[key]);
  if (!list) throw new ControlError(`"${key}" must be a list.`);
  return list;
}

const SETUP_KEYS = new Set([
  'appSecret',
  'verifyToken',
  'webhookUrl',
  'publicUrl',
  'wabas',
  'phoneNumbers',
  'accessTokens',
  'rules',
  'timings',
]);

export function applySetup(settings: Settings, given: unknown): void {
  const source = readObject(given);
  if (!source) throw new ControlError('A setup must be a JSON object.');
  for (const key of Object.keys(source)) {
    if (!SETUP_KEYS.has(key)) {
      throw new ControlError(`There is no setup field "${key}". Known: ${[...SETUP_KEYS].join(', ')}.`);
    }
  }
  settings.appSecret = readString(source.appSecret) ?? settings.appSecret;
  settings.verifyToken = readString(source.verifyToken) ?? settings.verifyToken;
  settings.publicUrl = readString(source.publicUrl) ?? settings.publicUrl;
  if (source.webhookUrl !== undefined) settings.webhookUrl = readString(source.webhookUrl) ?? null;
  if (source.rules) settings.rules = mergeSettings(settings.rules, source.rules, defaultRules(), 'rules');
  if (source.timings) {
    settings.timings = mergeSettings(settings.timings, source.timings, defaultTimings(), 'timings');
  }
  for (const each of listOf(source, 'wabas')) applyWaba(settings, each);
  for (const each of listOf(source, 'phoneNumbers')) applyPhoneNumber(settings, each);
  for (const each of listOf(source, 'accessTokens')) applyAccessToken(settings, each);
}

/** Meta's lookup order: the number's override, the WABA's, the app's. Overrides serve the message fields only. */
export function webhookUrlFor(
  settings: Settings,
  wabaId: string,
  phoneNumberId: string | null,
): string | null {
  const number = phoneNumberId === null ? undefined : settings.phoneNumbers.get(phoneNumberId);
  return number?.overrideUrl ?? settings.wabas.get(wabaId)?.overrideUrl ?? settings.webhookUrl;
}

/** A JSON view for the control API. The secrets are made up, so they are shown. */
export function describeSettings(settings: Settings): Record<string, unknown> {
  return {
    appSecret: settings.appSecret,
    verifyToken: settings.verifyToken,
    webhookUrl: settings.webhookUrl,
    publicUrl: settings.publicUrl,
    rules: settings.rules,
    timings: settings.timings,
    wabas: [...settings.wabas.values()],
    phoneNumbers: [...settings.phoneNumbers.values()].map(({ window: _window, ...shown }) => shown),
    accessTokens: [...settings.accessTokens.values()],
  };
}
