/**
 * A server that does not start, or dies of a bug: what it says names the key, the file or the place, and none of the
 * secrets that it was given.
 */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { customers, found, secrets } from '../canaries.ts';
import { Installation, numbers } from './installation.ts';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.open();
  await installation.simulator.control.createContact({ phone: customers.phone, name: customers.name });
});

afterAll(() => installation.close());

describe('refused configuration', () => {
  test('names the key for every command, and for the doctor', async () => {
    const env = { DATABASE_URL: `postgres://bot:${secrets.databasePassword}@db.test:port/nightdesk` };
    for (const words of [['start'], ['flags', 'list'], ['doctor', '--json']]) {
      const { code, said } = await installation.run(words, env);
      expect([code, said]).toEqual([words[0] === 'doctor' ? 1 : 2, expect.stringContaining('DATABASE_URL')]);
      expect(found(said)).toEqual([]);
    }
  });

  test.each([
    ['a key without quotes', `export default { model: ${secrets.apiKey} secret };\n`],
    [
      'a broken line with a key',
      `const key = 'x' ${secrets.apiKey.replaceAll('-', '')} 'y';\nexport default {};\n`,
    ],
    ['JSON that is none', `JSON.parse('${secrets.apiKey} {');\nexport default {};\n`],
    ['an unknown word', `const key = sk ${secrets.apiKey.replaceAll('-', '')};\nexport default {};\n`],
  ])('of a file with %s', async (_what, text) => {
    const values = { ...secrets, apiKey: secrets.apiKey.replaceAll('-', ''), part: 'Zk8vYtPqWm' };
    for (const name of ['nightdesk.config.ts', 'nightdesk.config.js']) {
      const path = installation.write(name, text);
      const { code, said } = await installation.run(['start']);
      rmSync(path);
      expect([code, said]).toEqual([2, expect.stringContaining(`${name} cannot be loaded`)]);
      expect(found(said, values)).toEqual([]);
    }
  });
});

test.each(['throw', 'reject'])(
  'a bug that nobody catches (%s) ends the server by its place, not its words',
  async (way) => {
    installation.configure('./bomb-config.ts');
    const server = await installation.start();
    const file = installation.write('tenants.json', installation.tenants());
    expect(await installation.run(['tenants', 'apply', file])).toMatchObject({ code: 0 });
    await installation.simulator.control.say({
      phoneNumberId: numbers.assistant,
      contact: customers.phone,
      text: `${way} ${customers.text}`,
    });
    const { code, said } = await server.ended;
    expect(code).toBe(3);
    expect(said).toMatch(/a bug ended the server.*RangeError at bomb-config\.ts:\d+/);
    expect(found(said)).toEqual([]);
  },
);
