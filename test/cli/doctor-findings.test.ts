/** What Meta says of numbers, wabas and versions in words that only it has, and what the doctor makes of them. */
import { describe, expect, test } from 'vitest';
import type { Json } from '#pipeline/graph/graph-error.ts';
import { spaceFinding } from '#runtime/doctor/files.ts';
import type { GraphReader } from '#runtime/doctor/graph.ts';
import { examineNumber } from '#runtime/doctor/number.ts';
import { versionFinding } from '#runtime/doctor/version.ts';
import { examineWaba } from '#runtime/doctor/waba.ts';
import { certificateFinding } from '#runtime/doctor/webhook.ts';

const number = {
  tenantId: 'acme',
  phoneNumberId: '1',
  wabaId: '2',
  displayNumber: '',
  dialog: 'assistant',
  sendsPerSecondMax: 80,
  settings: {},
};

/** Answers each path with one object, cut to nothing: Meta, too, gives more than was asked for. */
const answering = (answers: Record<string, Json>): GraphReader => ({
  read: async (_token, path) =>
    answers[path] === undefined
      ? { kind: 'failed', code: 100, httpStatus: 400 }
      : { kind: 'ok', json: answers[path] },
});

const well = {
  id: '1',
  display_phone_number: '+1 555-078-3881',
  status: 'CONNECTED',
  quality_rating: 'GREEN',
  name_status: 'APPROVED',
  platform_type: 'CLOUD_API',
  code_verification_status: 'VERIFIED',
  throughput: { level: 'STANDARD' },
  health_status: { can_send_message: 'AVAILABLE' },
};

describe('a number', () => {
  const findingsOf = async (change: Json, configured = number) =>
    (await examineNumber(answering({ 1: { ...well, ...change } }), 'token', configured)).findings;

  test('with which all is well has one finding', async () => {
    expect(await findingsOf({})).toMatchObject([
      { status: 'ok', says: expect.stringContaining('status CONNECTED, quality GREEN') },
    ]);
  });

  test.each([
    ['of 555 without a name', { name_status: 'PENDING_REVIEW' }, 'fail', /131037/],
    [
      'of its own without a name',
      { name_status: 'DECLINED', display_phone_number: '+49 30 1234' },
      'warn',
      /customers see the number/,
    ],
    ['that is not registered', { platform_type: 'NOT_APPLICABLE' }, 'fail', /133010/],
    ['that was never verified', { code_verification_status: 'NOT_VERIFIED' }, 'warn', /never verified/],
    [
      'that cannot pay',
      {
        health_status: {
          can_send_message: 'BLOCKED',
          entities: [
            { entity_type: 'WABA', can_send_message: 'BLOCKED', errors: [{ error_code: 141006 }] },
            { entity_type: 'APP', can_send_message: 'AVAILABLE' },
          ],
        },
      },
      'fail',
      /BLOCKED, because of: WABA \(error 141006\)\. Payment is not set up/,
    ],
    [
      'that is limited',
      { health_status: { can_send_message: 'LIMITED', entities: [] } },
      'warn',
      /LIMITED, because of: nothing that it names/,
    ],
  ] as const)('%s', async (_what, change, status, says) => {
    const worst = (await findingsOf(change)).at(-1);
    expect(worst).toMatchObject({ status, says: expect.stringMatching(says), todo: expect.any(String) });
  });

  test('that is configured faster than it is', async () => {
    expect((await findingsOf({}, { ...number, sendsPerSecondMax: 500 })).at(-1)).toMatchObject({
      status: 'warn',
      says: expect.stringContaining('130429'),
    });
    expect(
      await findingsOf({ throughput: { level: 'HIGH' } }, { ...number, sendsPerSecondMax: 500 }),
    ).toHaveLength(1);
  });

  test.each([
    [
      {
        application: 'https://app',
        whatsapp_business_account: 'https://waba',
        phone_number: 'https://number',
      },
      'number',
    ],
    [{ application: 'https://app', whatsapp_business_account: 'https://waba' }, 'waba'],
    [{ application: 'https://app' }, 'app'],
  ])('has its webhooks where the nearest override says', async (webhook_configuration, from) => {
    const graph = answering({ 1: { ...well, webhook_configuration } });
    expect((await examineNumber(graph, 'token', number)).webhook).toEqual({ url: `https://${from}`, from });
  });

  test('of which Meta says what it must not say is shown without it', async () => {
    const findings = await findingsOf({ status: 'Bearer EAAG', display_phone_number: 'EAAGsecret' });
    expect(JSON.stringify(findings)).not.toContain('EAAG');
  });
});

describe('a waba', () => {
  const question = { token: 'token', tenantId: 'acme', wabaId: '2' };
  const apps = { data: [{ whatsapp_business_api_data: { id: '7', name: 'Bot' } }] };
  const templates = {
    data: ['APPROVED', 'PAUSED', 'DISABLED', 'REJECTED'].map((status) => ({
      name: `is_${status.toLowerCase()}`,
      language: 'en_US',
      status,
    })),
  };

  test('whose webhooks go to another app than the token is of', async () => {
    const graph = answering({ '2/subscribed_apps': apps, '2': { id: '2' } });
    const [first] = await examineWaba({ ...question, graph, appId: '8' });
    expect(first).toMatchObject({
      status: 'fail',
      says: 'Webhooks go to Bot, and not to the app of the token (8).',
    });
    expect(await examineWaba({ ...question, graph, appId: '7' })).toMatchObject([{ status: 'ok' }]);
  });

  test('whose templates do not leave, and which waits for its review', async () => {
    const graph = answering({
      '2/subscribed_apps': apps,
      '2/message_templates': templates,
      '2': { id: '2', account_review_status: 'PENDING' },
    });
    const findings = await examineWaba({ ...question, graph, appId: '7' });
    expect(findings.map(({ status }) => status)).toEqual(['ok', 'warn', 'warn', 'warn', 'warn']);
    expect(findings.map(({ says }) => says).join('\n')).toMatch(
      /review of this waba is PENDING[\s\S]*is_paused \(en_US\) is paused[\s\S]*is_disabled[\s\S]*is_rejected/,
    );
  });
});

const day = (text: string) => Date.parse(text);

test.each([
  ['v26.0', 'ok', /newest/],
  ['v27.0', 'ok', /newer/],
  ['v25.0', 'ok', /lives until 2028-07-29/],
  ['v21.0', 'warn', /dies on 2027-01-21/],
  ['v20.0', 'fail', /died on 2026-09-24/],
  ['v12.0', 'fail', /dead for long/],
])('the version %s', (version, status, says) => {
  expect(versionFinding(version, day('2026-11-22'))).toMatchObject({
    status,
    says: expect.stringMatching(says),
  });
});

test.each([
  ['2026-11-21', 'fail'],
  ['2026-12-01', 'warn'],
  ['2027-02-01', 'ok'],
])('a certificate until %s', (until, status) => {
  expect(certificateFinding('certificate', day(until), day('2026-11-22')).status).toBe(status);
});

test.each([
  [100, 'fail'],
  [1_000, 'warn'],
  [50_000, 'ok'],
])('%d MB of free disk', (mega, status) => {
  expect(spaceFinding('disk space', '/data', mega * 1_048_576).status).toBe(status);
});
