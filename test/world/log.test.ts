import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Fault } from '#core/model/faults.ts';
import { createLog, isLogLevel, type LogOptions } from '#runtime/world/log.ts';

function collect(options: Omit<LogOptions, 'write'>) {
  const lines: string[] = [];
  const log = createLog({ ...options, write: (line) => void lines.push(line) });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('one JSON line each, with level, time, message and fields', () => {
  const { log, lines, parsed } = collect({ level: 'info' });
  log.info({ tenantId: 'acme', count: 2 }, 'Started');
  expect(lines[0]).toMatch(/\}\n$/);
  expect(parsed()).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      tenantId: 'acme',
      count: 2,
      msg: 'Started',
    },
  ]);
});

test('levels under the chosen one are silent, and `silent` is all silence', () => {
  const { log, parsed } = collect({ level: 'warn' });
  log.debug({}, 'a');
  log.info({}, 'b');
  log.warn({}, 'c');
  log.error({}, 'd');
  expect(parsed().map(({ msg }) => msg)).toEqual(['c', 'd']);
  const { log: silent, lines } = collect({ level: 'silent' });
  silent.error({}, 'e');
  expect(lines).toEqual([]);
  expect(isLogLevel('silent')).toBe(true);
  expect(isLogLevel('loud')).toBe(false);
});

test('what smells of a secret never leaves, at any depth; counts of tokens do', () => {
  const { log, lines, parsed } = collect({ level: 'info' });
  log.info(
    {
      accessToken: 'EAAG1',
      inputTokens: 12,
      tenant: { appSecret: 'EAAG2', numbers: [{ verify_token: 'EAAG3', id: '1' }] },
      headers: { Authorization: 'Bearer EAAG4', 'x-api-key': 'EAAG5' },
      tokens: ['EAAG6'],
      secrets: { any: 'EAAG7' },
    },
    'Applied',
  );
  expect(lines[0]).not.toContain('EAAG');
  expect(parsed()[0]).toMatchObject({ inputTokens: 12, tenant: { numbers: [{ id: '1' }] } });
});

test('an error of this project keeps its message; of any other only name, code and places stay', () => {
  const { log, lines, parsed } = collect({ level: 'info' });
  const cause = Object.assign(new TypeError('HELLO reset'), { code: 'ECONNRESET' });
  log.error({ err: Object.assign(new Error('HELLO failed', { cause }), { requestBody: 'HELLO' }) }, 'Failed');
  log.error({ err: new Fault('storeUnavailable', 'The disk is full.') }, 'Failed');
  expect(lines.join('')).not.toContain('HELLO');
  expect(parsed()).toMatchObject([
    {
      err: {
        name: 'Error',
        message: expect.stringMatching(/^Error at log\.test\.ts:\d+$/),
        stack: expect.stringMatching(/^at .*log\.test\.ts:\d+:\d+$/m),
        cause: {
          name: 'TypeError',
          code: 'ECONNRESET',
          message: expect.stringMatching(/^TypeError ECONNRESET at log\.test\.ts:\d+$/),
        },
      },
    },
    { err: { name: 'Fault', message: 'The disk is full.' } },
  ]);
});

test('what cannot be JSON is told all the same: bytes, big integers, circles', () => {
  const { log, lines, parsed } = collect({ level: 'info' });
  const circle: Record<string, unknown> = { name: 'round' };
  circle.self = circle;
  log.info({ bytes: new Uint8Array(5), id: 2n ** 60n, circle, none: undefined }, 'Odd');
  expect(parsed()[0]).toMatchObject({ bytes: '[5 bytes]', id: '1152921504606846976' });
  expect(lines[0]!.length).toBeLessThan(500);
});

test('for a person: one readable line, the stack below', () => {
  const { log, lines } = collect({ level: 'info', pretty: true });
  log.warn({ phoneNumberId: '106', accessToken: 'EAAG', list: [1] }, 'Slow');
  log.error({ err: new Fault('storeUnavailable', 'boom') }, 'Failed');
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} ! Slow {2}phoneNumberId=106 accessToken=\[hidden\] list=\[1\]\n$/,
  );
  expect(lines[1]).toMatch(/ x Failed {2}err="boom"\n {4}at /);
});

test('without a place to write, lines go to standard output, and all are there when the process ends', async () => {
  const script = `
    const { createLog } = await import('#runtime/world/log.ts');
    const log = createLog({ level: 'info' });
    for (let i = 0; i < 500; i++) log.info({ i }, 'line');
    log.close();
    process.exit(0);`;
  const flags = ['--conditions=nightdesk-source', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 20_000 });
  expect(stdout.trim().split('\n')).toHaveLength(500);
});
