/**
 * What is set up at this Meta: the app's secrets, WABAs, phone numbers, tokens, the webhook URL, the rules that are
 * enforced and how long things take. Applying a setup twice is the same as once; nothing is removed except by reset.
 */

import { type JsonObject, readArray, readNumber, readObject, readString } from './control/json-reading.ts';
import { ControlError, mergeSettings, type SettingWords } from './control/setting-merge.ts';
import type { RangeMs } from './draw.ts';
import { ownPortfolioOf, type Portfolio, readPortfolio, USUAL_TIER } from './sending/portfolios.ts';
import { createThroughputWindow, type ThroughputWindow } from './sending/rates.ts';

export interface Waba {
  readonly id: string;
  /** The portfolio it belongs to, whose messaging limit it shares. */
  portfolioId: string;
  name: string;
  subscribed: boolean;
  overrideUrl: string | null;
  /** Values of Graph's fields that differ from the usual ones, for reads. */
  shows: JsonObject;
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
  /** Also used in the WhatsApp Business app, which fixes its throughput at 20. */
  coexistence: boolean;
  /** CONNECTED, FLAGGED and RESTRICTED can send. */
  status: string;
  /** GREEN, YELLOW, RED or UNKNOWN. */
  qualityRating: string;
  /** Digits of the phones that a test number may write to; null: everybody. */
  allowedRecipients: readonly string[] | null;
  /** Of its two-step verification; set by the first registration. */
  pin: string | null;
  /** What the business says of itself, by Graph's names. */
  profile: JsonObject;
  /** Values of Graph's fields that differ from the usual ones, for reads. */
  shows: JsonObject;
}

export interface AccessToken {
  readonly token: string;
  /** Null: valid for every WABA. */
  wabaIds: readonly string[] | null;
  expired: boolean;
  /** Expires by itself at this time; null: never. */
  expiresAtMs: number | null;
  /** Taken back by its user, which Meta tells from an expired one. */
  invalidated: boolean;
  /** Null: every permission. */
  permissions: readonly string[] | null;
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
  /** New templates are approved after a while, or wait for the control API. */
  templateReview: 'approve' | 'manual';
  /** What a template to someone new meets when the portfolio's messaging limit is reached. */
  messagingLimit: 'async' | 'sync' | 'off';
  /** Whether management calls are counted per WABA and hour. */
  managementLimit: boolean;
  /** What a version older than all of `graphVersions` meets. */
  retiredVersion: 'refuse' | 'serve';
  /** Every contact has a BSUID, as since April 2026; otherwise only those that were given one. */
  userIds: boolean;
  /** Who is told of edits and deletions: as Meta, coexistence numbers, others getting "unsupported" or nothing; or all. */
  edits: 'everywhere' | 'coexistence';
  /** The webhook version chosen in the dashboard. Up to v23.0 statuses tell their conversation. */
  webhookVersion: string;
}

export interface Timings {
  sentMs: RangeMs;
  /** After sent. */
  deliveredMs: RangeMs;
  /** After delivered. */
  readMs: RangeMs;
  failedMs: RangeMs;
  templateReviewMs: RangeMs;
  /** How long the sends of a paced template are held. */
  templatePacingMs: RangeMs;
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
  /** The app that the tokens are of. */
  appId: string;
  appName: string;
  /** What the app's webhooks are subscribed to; shown, not enforced. */
  webhookFields: readonly string[];
  /** The versions of Graph that are served. */
  graphVersions: readonly string[];
  rules: Rules;
  timings: Timings;
  readonly portfolios: Map<string, Portfolio>;
  readonly wabas: Map<string, Waba>;
  readonly phoneNumbers: Map<string, PhoneNumber>;
  /** Empty: every bearer token is good. */
  readonly accessTokens: Map<string, AccessToken>;
}

const VERSION = /^v\d+\.\d+$/;
const COEXISTENCE_PER_SECOND = 20;
const SEVEN_DAYS_MS = 7 * 24 * 3_600_000;

export const defaultRules = (): Rules => ({
  throughput: true,
  countReads: true,
  pairLimit: true,
  serviceWindow: 'async',
  unknownRecipient: 'fail',
  opaqueOnFailed: true,
  templateReview: 'approve',
  messagingLimit: 'async',
  managementLimit: true,
  retiredVersion: 'refuse',
  userIds: false,
  edits: 'everywhere',
  webhookVersion: 'v26.0',
});

/** The rules that are one of a few words. */
const RULE_WORDS = {
  serviceWindow: ['async', 'sync', 'off'],
  unknownRecipient: ['fail', 'create'],
  templateReview: ['approve', 'manual'],
  messagingLimit: ['async', 'sync', 'off'],
  retiredVersion: ['refuse', 'serve'],
  edits: ['everywhere', 'coexistence'],
} as const satisfies { [K in WordRule]: readonly Rules[K][] };

/** Every rule of words but the version, of which new ones come. */
type WordRule = Exclude<
  { [K in keyof Rules]: Rules[K] extends string ? K : never }[keyof Rules],
  'webhookVersion'
>;

const WORDS_OF_RULES: SettingWords = Object.fromEntries(
  Object.entries(RULE_WORDS).map(([name, words]) => [`rules.${name}`, words]),
);

export const defaultTimings = (): Timings => ({
  sentMs: { minMs: 50, maxMs: 400 },
  deliveredMs: { minMs: 100, maxMs: 1_500 },
  readMs: { minMs: 500, maxMs: 6_000 },
  failedMs: { minMs: 200, maxMs: 2_000 },
  templateReviewMs: { minMs: 1_000, maxMs: 5_000 },
  templatePacingMs: { minMs: 60_000, maxMs: 60_000 },
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
    appId: '670843887433847',
    appName: 'Simulator app',
    webhookFields: ['messages', 'message_template_status_update', 'account_update'],
    graphVersions: ['v21.0', 'v22.0', 'v23.0', 'v24.0', 'v25.0', 'v26.0'],
    rules: defaultRules(),
    timings: defaultTimings(),
    portfolios: new Map(),
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
  const portfolioId = readString(source.portfolioId) ?? before?.portfolioId ?? ownPortfolioOf(id);
  settings.wabas.set(id, {
    id,
    portfolioId,
    name: readString(source.name) ?? before?.name ?? `WABA ${id}`,
    subscribed: typeof source.subscribed === 'boolean' ? source.subscribed : (before?.subscribed ?? true),
    overrideUrl: readString(source.overrideUrl) ?? before?.overrideUrl ?? null,
    shows: readObject(source.shows) ?? before?.shows ?? {},
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
  const coexistence =
    typeof source.coexistence === 'boolean' ? source.coexistence : (before?.coexistence ?? false);
  const throughputPerSecond = throughputOf(id, readNumber(source.throughputPerSecond), before, coexistence);
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
    coexistence,
    status: readString(source.status) ?? before?.status ?? 'CONNECTED',
    qualityRating: readString(source.qualityRating) ?? before?.qualityRating ?? 'GREEN',
    allowedRecipients:
      source.allowedRecipients === undefined
        ? (before?.allowedRecipients ?? null)
        : (namesIn(source.allowedRecipients)?.map((phone) => phone.replace(/\D/g, '')) ?? null),
    pin: before?.pin ?? null,
    profile: before?.profile ?? {},
    shows: readObject(source.shows) ?? before?.shows ?? {},
  });
}

function throughputOf(
  id: string,
  asked: number | undefined,
  before: PhoneNumber | undefined,
  coexistence: boolean,
): number {
  if (!coexistence) return asked ?? (before?.coexistence ? undefined : before?.throughputPerSecond) ?? 80;
  if (asked !== undefined && asked !== COEXISTENCE_PER_SECOND) {
    throw new ControlError(
      `Phone number "${id}" is a coexistence number, whose throughput Meta fixes at ${COEXISTENCE_PER_SECOND} a second. Leave "throughputPerSecond" out.`,
    );
  }
  return COEXISTENCE_PER_SECOND;
}

const namesIn = (value: unknown): string[] | null =>
  readArray(value)?.filter((each) => typeof each === 'string') ?? null;

export function readAccessToken(given: unknown): AccessToken {
  const source = readObject(given) ?? {};
  const token = readString(given) ?? readString(source.token);
  if (!token) throw new ControlError('Each entry of "accessTokens" is a string or needs a "token".');
  return {
    token,
    wabaIds: namesIn(source.wabaIds),
    expired: source.expired === true,
    expiresAtMs: readNumber(source.expiresAtMs) ?? null,
    invalidated: source.invalidated === true,
    permissions: namesIn(source.permissions),
  };
}

function rulesWith(current: Rules, patch: unknown): Rules {
  const rules = mergeSettings({
    ...{ current, patch, defaults: defaultRules(), path: 'rules' },
    words: WORDS_OF_RULES,
  });
  if (!VERSION.test(rules.webhookVersion))
    throw new ControlError('The setting "rules.webhookVersion" must be a version like "v26.0".');
  return rules;
}

function versionsIn(value: unknown): string[] | null {
  const versions = namesIn(value);
  const wrong = versions?.find((version) => !VERSION.test(version));
  if (wrong !== undefined || versions?.length === 0) {
    throw new ControlError('"graphVersions" must be a list like ["v25.0", "v26.0"].');
  }
  return versions;
}

/** The messaging limit that a WABA has by its portfolio. */
export function messagingTierOf(settings: Settings, wabaId: string): { portfolioId: string; tier: string } {
  const portfolioId = settings.wabas.get(wabaId)?.portfolioId ?? ownPortfolioOf(wabaId);
  return { portfolioId, tier: settings.portfolios.get(portfolioId)?.messagingLimitTier ?? USUAL_TIER };
}

function listOf(source: Readonly<Record<string, unknown>>, key: string): readonly unknown[] {
  if (source[key] === undefined) return [];
  const list = readArray(source[key]);
  if (!list) throw new ControlError(`"${key}" must be a list.`);
  return list;
}

const SETUP_KEYS = new Set([
  'appId',
  'appName',
  'webhookFields',
  'graphVersions',
  'portfolios',
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
  settings.appId = readString(source.appId) ?? settings.appId;
  settings.appName = readString(source.appName) ?? settings.appName;
  settings.webhookFields = namesIn(source.webhookFields) ?? settings.webhookFields;
  settings.graphVersions = versionsIn(source.graphVersions) ?? settings.graphVersions;
  if (source.webhookUrl !== undefined) settings.webhookUrl = readString(source.webhookUrl) ?? null;
  if (source.rules) settings.rules = rulesWith(settings.rules, source.rules);
  if (source.timings) {
    settings.timings = mergeSettings({
      ...{ current: settings.timings, patch: source.timings },
      ...{ defaults: defaultTimings(), path: 'timings' },
    });
  }
  for (const each of listOf(source, 'portfolios')) {
    const portfolio = readPortfolio(each);
    settings.portfolios.set(portfolio.id, portfolio);
  }
  for (const each of listOf(source, 'wabas')) applyWaba(settings, each);
  for (const each of listOf(source, 'phoneNumbers')) applyPhoneNumber(settings, each);
  for (const each of listOf(source, 'accessTokens')) {
    const token = readAccessToken(each);
    settings.accessTokens.set(token.token, token);
  }
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
    appId: settings.appId,
    appName: settings.appName,
    webhookFields: settings.webhookFields,
    graphVersions: settings.graphVersions,
    portfolios: [...settings.portfolios.values()],
    rules: settings.rules,
    timings: settings.timings,
    wabas: [...settings.wabas.values()],
    phoneNumbers: [...settings.phoneNumbers.values()].map(({ window: _window, ...shown }) => shown),
    accessTokens: [...settings.accessTokens.values()],
  };
}
