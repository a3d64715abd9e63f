/** The server's webhook side over a store of its own, to see what it answers to a body. */
import { runCommand } from '#runtime/commands.ts';
import { readConfig } from '#runtime/config.ts';
import { createDemoModel } from '#runtime/models/demo.ts';
import { createNightdesk } from '#runtime/nightdesk.ts';
import { openStore } from '#runtime/open.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { openSecrets } from '#runtime/world/secrets.ts';

export const APP_SECRET = 'the app secret';

export interface ShapeServer {
  /** The HTTP status of the answer. */
  receive(rawBody: Uint8Array, signature: string): Promise<number>;
  close(): Promise<void>;
}

export async function openServer(): Promise<ShapeServer> {
  const env = {
    DATABASE_URL: 'sqlite::memory:',
    WHATSAPP_APP_SECRET: APP_SECRET,
    WHATSAPP_VERIFY_TOKEN: 'verify',
  };
  const config = await readConfig({ env, folder: '/', roles: ['webhook'] });
  const world = createRealWorld({ log: createLog({ level: 'silent' }) });
  const store = openStore(config, world);
  const nightdesk = createNightdesk({
    config,
    world,
    store,
    secrets: openSecrets(config),
    model: createDemoModel({ timers: world.timers }),
    singleOwner: true,
  });
  await nightdesk.start();
  const phoneNumbers = [
    { id: '880110220330440', wabaId: '417700200300401' },
    { id: '106540352242922', wabaId: '102290129340398' },
  ];
  await runCommand(nightdesk, 'tenants.apply', { file: { tenants: [{ id: 'acme', phoneNumbers }] } });
  return {
    receive: async (rawBody, signature) => (await nightdesk.webhook.receive({ rawBody, signature })).status,
    async close() {
      await nightdesk.stop({ deadlineMs: 0 });
      await store.close();
      world.close();
    },
  };
}
