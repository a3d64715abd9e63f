/**
 * The shop on one process with a real file, which is killed every 3 to 12 s. A few times all clocks are put ahead by four hours while it
 * is dead, so that customers have been silent and reminders are due.
 */
import { DatabaseSync } from 'node:sqlite';
import { sqliteBooks } from '../../walks/books.ts';
import { pause, ServerProcess } from '../server-process.ts';
import { type Befalling, type Opening, type Premises, shopConfigPath } from './premises.ts';

const leapMs = 4 * 3_600_000;
const leaps = 3;

export async function openOneProcess({ simulator, env: given, clock }: Opening): Promise<Premises> {
  const env = { ...given };
  const config = `export { default } from ${JSON.stringify(shopConfigPath)};\n`;
  const server = new ServerProcess({ simulatorUrl: simulator.url, config, env });
  await server.start();
  let leapt = 0;
  const leap = () => {
    leapt += 1;
    clock.aheadMs += leapMs;
    Object.assign(env, { DEV_CLOCK_AHEAD_MS: String(clock.aheadMs) });
  };

  const befall = ({ lastsMs, random, killing, revived }: Befalling) => {
    const beganMs = Date.now();
    let stopping = false;
    const kill = async (isNight: boolean) => {
      killing();
      await server.kill();
      if (isNight) leap();
      await server.start();
    };
    const life = (async () => {
      while (!stopping) {
        await pause(3_000 + random() * 9_000);
        await kill(leapt < leaps && Date.now() - beganMs > (lastsMs * (leapt + 1)) / (leaps + 1));
        await revived();
      }
    })();
    return {
      async stop() {
        stopping = true;
        await life;
        await kill(true);
      },
    };
  };

  return {
    url: server.url,
    books: sqliteBooks((read) => {
      const db = new DatabaseSync(server.databasePath, { readOnly: true });
      try {
        return read(db);
      } finally {
        db.close();
      }
    }),
    demanded: ['reminders', 'welcomes back', 'leaps of four hours'],
    pagesExpireAfterMs: 3_600_000,
    metaFaults: {},
    applyTenants: async (file) => void (await server.command('tenants.apply', { file })),
    befall,
    async handBack(conversations) {
      for (const ref of conversations) await server.command('handback', { ...ref, by: 'ann' });
    },
    audit: () => server.command('audit', { days: 3 }),
    count: (book) => book.count('leaps of four hours', leapt),
    stop: async () => void (await server.stop()),
    async close() {
      await server.stop();
      if (process.env.KEEP_PROOF === undefined) server.remove();
    },
  };
}
