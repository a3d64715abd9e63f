/**
 * A server process that is attacked, and a customer who goes on writing meanwhile. Only the door is open: what is said is
 * stored and nobody answers. Its limits are smaller than usual where a test would have to wait for them.
 */
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createWebhooks } from '#testing/webhooks.ts';
import { pause, ServerProcess } from '../../proof/server-process.ts';
import { ask, requestOf } from '../wire.ts';

const bin = resolve(import.meta.dirname, '../../../bin/nightdesk');
const number = { id: '106540352242922', wabaId: '102290129340398' };
const webhooks = createWebhooks({ phoneNumberId: number.id, wabaId: number.wabaId });
const appSecret = 'app secret';
export const webhookPath = '/webhooks/whatsapp';

export interface Prey {
  readonly port: number;
  readonly server: ServerProcess;
  /** Statuses that the customer's messages were answered with, each on a connection of its own. */
  readonly answered: number[];
  /** Events that are stored. */
  stored(): number;
  /** One message; resolves with its status. */
  say(text: string): Promise<number>;
  close(): Promise<void>;
}

export async function startPrey(limits: Record<string, number>): Promise<Prey> {
  const server = new ServerProcess({
    simulatorUrl: 'http://127.0.0.1:9',
    limits,
    command: [bin, 'start', '--roles', 'webhook'],
  });
  await server.start();
  await server.command('tenants.apply', { file: { tenants: [{ id: 'acme', phoneNumbers: [number] }] } });
  const answered: number[] = [];
  const say = async (text: string): Promise<number> => {
    const { statuses } = await ask(server.port, signedRequest(text));
    return statuses[0] ?? 0;
  };
  let stopping = false;
  const customer = (async () => {
    for (let at = 0; !stopping; at++) {
      answered.push(await say(`message ${at}`));
      await pause(50);
    }
  })();
  return {
    port: server.port,
    server,
    answered,
    say,
    stored() {
      const db = new DatabaseSync(server.databasePath, { readOnly: true });
      const { events } = db.prepare('SELECT count(*) AS events FROM event').get() as { events: number };
      db.close();
      return events;
    },
    async close() {
      stopping = true;
      await customer;
      await server.stop();
      server.remove();
    },
  };
}

/** A message of a customer, as Meta would send it. */
export function signedRequest(text: string): Buffer {
  const { body, headers } = webhooks.signed(webhooks.body([webhooks.text({ text })]), appSecret);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return requestOf({ target: webhookPath, headers: lines, body });
}
