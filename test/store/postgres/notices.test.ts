/** Notices between processes on a real Postgres: what one tells the others hear, itself it does not; a broken connection is made anew. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Notice, Notices } from '#core/ports/notices.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { openPostgresNotices } from '#store/postgres/index.ts';
import { isPostgresHere, makeSchema, postgresUrl, type TestSchema } from './server.ts';

const isHere = await isPostgresHere();
let schema: TestSchema;
let opened: Notices[] = [];

interface Heard {
  notice: Notice;
  isPart: boolean;
}

const world = createRealWorld({ log: createLog({ level: 'silent' }) });

async function open(ownerId: string): Promise<{ notices: Notices; heard: Heard[] }> {
  const notices = await openPostgresNotices({
    ...{ url: postgresUrl, schema: schema.name, ownerId, timers: world.timers, log: world.log },
  });
  const heard: Heard[] = [];
  notices.onNotice((notice, isPart) => heard.push({ notice, isPart }));
  opened.push(notices);
  return { notices, heard };
}

const ref = (nth: number) => ({ tenantId: 'acme', conversationId: `cnv_${nth}` });

describe.skipIf(!isHere)('notices', () => {
  beforeAll(async () => {
    schema = await makeSchema('notices');
  });
  afterAll(async () => {
    world.close();
    await schema.drop();
  });
  beforeEach(() => async () => {
    for (const notices of opened) await notices.stop();
    opened = [];
  });

  it('what is told together is heard together, by the others and not by who tells', async () => {
    const [teller, other, third] = [await open('own_1'), await open('own_2'), await open('own_3')];
    teller.notices.tell({ conversations: [ref(1)] });
    teller.notices.tell({ conversations: [ref(2)], activities: true });
    await expect.poll(() => [other.heard.length, third.heard.length]).toEqual([1, 1]);
    expect(other.heard[0]).toEqual({
      notice: { conversations: [ref(1), ref(2)], sends: [], activities: true, tenants: false },
      isPart: false,
    });
    // Told later, so whoever tells would have heard itself by the time that the others hear this.
    teller.notices.tell({ tenants: true });
    await expect.poll(() => other.heard.length).toBe(2);
    expect(teller.heard).toEqual([]);
  });

  it('more than a notice holds is told as a part, so that others look by themselves', async () => {
    const [teller, other] = [await open('own_1'), await open('own_2')];
    teller.notices.tell({ conversations: Array.from({ length: 500 }, (_, nth) => ref(nth)), tenants: true });
    await expect.poll(() => other.heard.length).toBe(1);
    expect(other.heard[0]).toMatchObject({ isPart: true, notice: { conversations: [], tenants: true } });
  });

  it('a connection that is killed is made anew, and notices are heard again', async () => {
    const [teller, other] = [await open('own_1'), await open('own_2')];
    const killed = await schema.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'nightdesk notices' AND query LIKE $1",
      [`%${schema.name}%`],
    );
    expect(killed.length).toBe(2);
    await vi.waitFor(
      async () => {
        teller.notices.tell({ activities: true });
        await expect.poll(() => other.heard.length, { timeout: 200 }).toBeGreaterThan(0);
      },
      { timeout: 20_000 },
    );
  });

  it('what waits is told before the end', async () => {
    const [teller, other] = [await open('own_1'), await open('own_2')];
    teller.notices.tell({ tenants: true });
    await teller.notices.stop();
    await expect.poll(() => other.heard.length).toBe(1);
  });
});
