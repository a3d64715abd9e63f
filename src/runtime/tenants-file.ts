/**
 * The file of `nightdesk tenants apply`: its schema, its errors, and what it becomes. Settings that the runtime does not
 * know are kept for dialogs that do.
 */
import { z } from 'zod';
import { limits } from '#core/limits.ts';
import { Fault } from '#core/model/faults.ts';
import type { NumberSettings, Tenant, WordsOfNumber } from '#core/ports/tenants.ts';

/** An old one and a new one, for two endpoints. */
const stripeSecretsMax = 4;

/** In percent of a day's budget. */
const budgetAlertsDefault = [80, 100];

const id = z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, dashes or underscores');
const ms = z.number().int().min(0);

const words = z.string().min(1).max(limits.textCharsMax);
/** By language as dialogs name them: es, pt-BR. */
const wordsByLanguage = z
  .record(z.string().regex(/^[a-z]{2,3}([_-][a-z\d]+)*$/i), words)
  .refine((by) => Object.keys(by).length > 0);
/** A union would tell of whichever half came nearer. */
const wordsOfNumber = z.custom<WordsOfNumber>(
  (given) => words.safeParse(given).success || wordsByLanguage.safeParse(given).success,
  `must be a text of 1 to ${limits.textCharsMax} characters, or one for each language: { "en": "...", "es": "..." }`,
);

const settings = z.looseObject({
  systemPrompt: z.string().optional(),
  model: z.string().optional(),
  fallbackText: wordsOfNumber.optional(),
  unsupportedText: wordsOfNumber.optional(),
  handOffText: wordsOfNumber.optional(),
  mutedText: wordsOfNumber.optional(),
  replyTimeoutMs: z.number().int().min(100).max(300_000).optional(),
  quietMs: ms.max(60_000).optional(),
  quietMaxMs: ms.max(300_000).optional(),
  overlap: z.enum(['queue', 'interrupt']).optional(),
  receipts: z.enum(['typing', 'read', 'none']).optional(),
  historyMessagesMax: z.number().int().min(1).max(500).optional(),
  historyTokensMax: z.number().int().min(100).optional(),
  uncertain: z.enum(['resendOnEvidence', 'holdForPerson', 'resendMayRepeat', 'dropMayLose']).optional(),
  waitDeliveredMs: ms.max(60_000).optional(),
  repliesPerContactPerHourMax: z.number().int().min(1).optional(),
});

const phoneNumber = z.strictObject({
  id: z.string().regex(/^\d{1,32}$/, "must be the number's id at Meta (digits), not the phone number itself"),
  wabaId: z
    .string()
    .regex(/^\d{1,32}$/, 'must be the id of the WhatsApp business (digits)')
    .optional(),
  displayNumber: z.string().optional(),
  dialog: z.string().optional(),
  sendsPerSecondMax: z.number().min(0.1).max(1_000).optional(),
  coexistence: z.boolean().optional(),
  settings: settings.optional(),
});

const tenant = z.strictObject({
  id,
  name: z.string().optional(),
  accessToken: z.string().min(1).optional(),
  appSecret: z.string().min(1).optional(),
  verifyToken: z.string().min(1).optional(),
  stripeWebhookSecrets: z.array(z.string().min(1)).max(stripeSecretsMax).optional(),
  wabaId: z
    .string()
    .regex(/^\d{1,32}$/)
    .optional(),
  limits: z
    .strictObject({
      sendsPerSecondMax: z.number().min(0.1).optional(),
      wabaSendsPerSecondMax: z.number().min(0.1).optional(),
      activitiesMax: z.number().int().min(1).max(512).optional(),
      repliesPerDayMax: z.number().int().min(1).optional(),
    })
    .optional(),
  holdIdle: z.enum(['alert', 'handBack']).optional(),
  budget: z
    .strictObject({
      currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters, e.g. USD'),
      perDayMicros: z.number().int().min(1),
      alertAtPercent: z.array(z.number().int().min(1).max(1_000)).min(1).max(10).optional(),
    })
    .optional(),
  phoneNumbers: z.array(phoneNumber),
});

const file = z.strictObject({ tenants: z.array(tenant).min(1) });

type TenantInput = z.infer<typeof tenant>;
type NumberInput = z.infer<typeof phoneNumber>;

/** Reads the file's content. @throws Fault badRequest that names the place and what it should be. */
export function readTenantsFile(content: unknown, knownDialogs: readonly string[]): Tenant[] {
  const parsed = file.safeParse(content);
  if (!parsed.success) {
    const problems = parsed.error.issues
      .slice(0, 5)
      .map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
    throw new Fault(
      'badRequest',
      `The tenants file cannot be used; nothing was changed. ${problems.join('; ')}.`,
    );
  }
  const seen = new Set<string>();
  return parsed.data.tenants.map((input) => {
    for (const number of input.phoneNumbers) {
      if (seen.has(number.id))
        throw new Fault(
          'badRequest',
          `Phone number ${number.id} stands twice in the tenants file; a number has one tenant. Nothing was changed.`,
        );
      seen.add(number.id);
      const dialog = number.dialog ?? 'assistant';
      if (!knownDialogs.includes(dialog))
        throw new Fault(
          'badRequest',
          `Phone number ${number.id} wants the dialog "${dialog}", which is not there. Dialogs are ${knownDialogs.join(', ')}; add yours to nightdesk.config.ts. Nothing was changed.`,
        );
    }
    return tenantOf(input);
  });
}

function tenantOf(input: TenantInput): Tenant {
  return {
    tenantId: input.id,
    name: input.name ?? input.id,
    ...defined({
      accessToken: input.accessToken,
      appSecret: input.appSecret,
      verifyToken: input.verifyToken,
      stripeWebhookSecrets: input.stripeWebhookSecrets,
      holdIdle: input.holdIdle,
      budget: input.budget && {
        ...input.budget,
        alertAtPercent: input.budget.alertAtPercent ?? budgetAlertsDefault,
      },
    }),
    ...defined({
      sendsPerSecondMax: input.limits?.sendsPerSecondMax,
      wabaSendsPerSecondMax: input.limits?.wabaSendsPerSecondMax,
      activitiesMax: input.limits?.activitiesMax,
    }),
    phoneNumbers: input.phoneNumbers.map((number) => {
      const wabaId = number.wabaId ?? input.wabaId;
      if (wabaId === undefined)
        throw new Fault(
          'badRequest',
          `Phone number ${number.id} of tenant ${input.id} has no wabaId, nor has its tenant. Nothing was changed.`,
        );
      return {
        tenantId: input.id,
        phoneNumberId: number.id,
        wabaId,
        displayNumber: number.displayNumber ?? '',
        dialog: number.dialog ?? 'assistant',
        sendsPerSecondMax:
          number.sendsPerSecondMax ??
          (number.coexistence === true ? limits.coexistenceSendsPerSecond : limits.numberSendsPerSecond),
        settings: {
          ...settingsOf(number),
          ...defined({ repliesPerTenantPerDayMax: input.limits?.repliesPerDayMax }),
        },
      };
    }),
  };
}

function settingsOf(number: NumberInput): NumberSettings {
  const known: Record<string, unknown> = {};
  const extra: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(number.settings ?? {}))
    (key in settings.shape ? known : extra)[key] = value;
  return { ...known, ...(Object.keys(extra).length === 0 ? {} : { extra }) };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends Record<string, unknown>>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
