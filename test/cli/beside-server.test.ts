/**
 * Commands beside a running server: they reach it through its socket and are in force at once.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberId, type Server, until, Workshop } from './workshop.ts';

let workshop: Workshop;
let server: Server;

beforeAll(async () => {
  workshop = await Workshop.open();
  server = await workshop.start();
});
afterAll(() => workshop.close());

const textsSent = async () => (await workshop.simulator.control.accepted()).map((send) => send.text ?? '');
const say = (contact: string, text: string) =>
  workshop.simulator.control.say({ phoneNumberId: numberId, contact, type: 'text', text });

interface Flag {
  flagId: string;
  conversationId: string;
  reason: string;
}

describe('tenants apply', () => {
  it('lets what waited in quarantine in, is in force at once and says the same when repeated', async () => {
    await say('16505550001', 'before there was a tenant');
    await until(async () => (await workshop.json<unknown[]>('quarantine', 'list')).length === 1);
    const file = workshop.write('tenants.json', workshop.tenants());
    const first = await workshop.run(['tenants', 'apply', file]);
    expect(first).toMatchObject({ code: 0, err: '' });
    await until(async () => (await textsSent()).some((text) => text.includes('before there was a tenant')));
    const before = await workshop.json('tenants', 'list');
    const again = await workshop.run(['tenants', 'apply', '-'], {
      input: JSON.stringify(workshop.tenants()),
    });
    expect(again).toMatchObject({ code: 0, out: 'Applied 1 tenant with 1 phone number.\n' });
    expect(await workshop.json('tenants', 'list')).toEqual(before);
    expect(JSON.stringify(before)).not.toContain('token-of');
  });

  it('frees the sends of a tenant whose token was wrong, long before their pause is over', async () => {
    await workshop.run([
      'tenants',
      'apply',
      workshop.write('wrong.json', workshop.tenants({ accessToken: 'wrong' })),
    ]);
    await say('16505550002', 'token check');
    await until(async () => (await workshop.simulator.control.log({ kinds: ['sendRefused'] })).length > 0);
    const mended = await workshop.run([
      'tenants',
      'apply',
      workshop.write('tenants.json', workshop.tenants()),
    ]);
    expect(mended.code).toBe(0);
    await until(async () => (await textsSent()).some((text) => text.includes('token check')));
  });

  it('changes nothing where a number belongs to somebody else', async () => {
    const file = workshop.write('other.json', {
      tenants: [{ id: 'other', phoneNumbers: [{ id: numberId, wabaId: '1' }] }],
    });
    const { code, err } = await workshop.run(['tenants', 'apply', file]);
    expect(code).toBe(2);
    expect(err).toContain('belongs to tenant acme');
    expect(await workshop.json<unknown[]>('tenants', 'list')).toHaveLength(1);
  });
});

describe('a person', () => {
  it('takes over, replies, hands back, resolves', async () => {
    await say('16505550003', 'I want to talk to a human');
    let flags: Flag[] = [];
    await until(async () => {
      flags = await workshop.json<Flag[]>('flags', 'list', '--tenant', 'acme');
      return flags.some(({ reason }) => reason === 'customerAsked');
    });
    const { conversationId, flagId } = flags.find(({ reason }) => reason === 'customerAsked') ?? {
      conversationId: '',
      flagId: '',
    };
    const of = ['--tenant', 'acme', conversationId];
    expect(await workshop.run(['take', ...of])).toMatchObject({ code: 0, err: '' });
    expect((await workshop.run(['reply', ...of, 'A person here.', '--by', 'ana'])).code).toBe(0);
    await until(async () => (await textsSent()).includes('A person here.'));
    const transcript = await workshop.run(['transcript', ...of]);
    expect(transcript.out).toMatch(/customer +I want to talk to a human/);
    expect(transcript.out).toMatch(/operator +A person here\./);
    expect((await workshop.run(['handback', ...of])).out).toContain('The bot holds the conversation again.');
    expect(await workshop.run(['handback', ...of])).toMatchObject({ code: 2, out: '' });
    await say('16505550003', 'back to the bot');
    await until(async () => (await textsSent()).some((text) => text.includes('Echo: back to the bot')));
    expect((await workshop.run(['flags', 'resolve', '--tenant', 'acme', flagId])).out).toBe(
      'Resolved 1 flag.\n',
    );
    expect((await workshop.run(['flags', 'resolve', '--tenant', 'acme', flagId])).code).toBe(2);
    expect(await workshop.json<Flag[]>('flags', 'list', '--resolved')).toContainEqual(
      expect.objectContaining({ flagId }),
    );
  });

  it('is shown nothing that could steer the terminal', async () => {
    await say('16505550004', 'red \u001b[31malert\u0007');
    await until(async () => (await textsSent()).some((text) => text.includes('alert')));
    await workshop.run(['take', '--tenant', 'acme', 'cnv_none']);
    let out = '';
    // Meta has it before the server has settled it.
    await until(async () => {
      const [send] = await workshop.json<{ conversationId: string }[]>(
        'sends',
        'list',
        '--state',
        'accepted',
      );
      ({ out } = await workshop.run(['transcript', '--tenant', 'acme', send?.conversationId ?? '']));
      return out.includes('alert');
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there.
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  });
});

describe('checks', () => {
  it('audits: counts, and exits 0 where none is missing', async () => {
    await until(async () => (await workshop.json<{ underWay: number }>('audit')).underWay === 0);
    const report = await workshop.json<{ events: number; missingCount: number }>('audit', '--days', '1');
    expect(report.events).toBeGreaterThan(2);
    expect(report.missingCount).toBe(0);
    const { code, out } = await workshop.run(['audit']);
    expect(code).toBe(0);
    expect(out).toContain('None is missing.');
  });

  it('examines the server, with its environment and not that of the command', async () => {
    const { code, out } = await workshop.run(['doctor', '--json'], { env: { WHATSAPP_APP_SECRET: '' } });
    const { ok, checks } = JSON.parse(out) as {
      ok: boolean;
      checks: { check: string; status: string; says: string }[];
    };
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect([code, ok]).toEqual([0, true]);
    const says = Object.fromEntries(checks.map((each) => [each.check, each.says]));
    expect(says.store).toContain('owned by a running server');
    expect(says['app secret']).toBe('WHATSAPP_APP_SECRET is set.');
    expect(says[`number ${numberId} (acme)`]).toContain('status CONNECTED, quality GREEN');
    expect(checks.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['config', 'disk', 'graph', 'clock', 'webhook', 'secret key', 'verify token']),
    );
  });
});

describe('the owner', () => {
  it('keeps a second server and a migration away', async () => {
    const second = await workshop.run(['start'], { env: { PORT: '0' } });
    expect(second.code).toBe(2);
    expect(second.err).toContain('Another process owns the database');
    const migration = await workshop.run(['migrate']);
    expect(migration.code).toBe(2);
    expect(migration.err).toContain('when it started');
  });

  it('ends with 0 on SIGTERM, after which commands open the database themselves', async () => {
    expect((await server.stop()).code).toBe(0);
    expect(
      (await workshop.json<{ tenantId: string }[]>('tenants', 'list')).map(({ tenantId }) => tenantId),
    ).toEqual(['acme']);
  });
});
