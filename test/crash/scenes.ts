/**
 * The ways to the crash points. Each scene brings one conversation to its point, lets the process die there, lets the
 * customer write once more while nobody is there, starts the process again and does what a person would do then. In the
 * end every message must have had its answer, or be held for a person who knows. To reach a new point, add a scene here
 * and its case to `cases.ts`.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { answered, commanded, givenBack } from './commands.ts';
import type { ConfigVariant } from './server-config.ts';
import type { Stage } from './stage.ts';
import { assistantNumber, numberOf, scriptedNumber, type TownNumber } from './town.ts';

export type Scene = (stage: Stage) => Promise<void>;

/** Numbers that the tenant gets later; each is used once in a town. */
let nextNumber = 10;

/** The second message comes while nobody is there, and Meta keeps it. */
async function comesBack(stage: Stage, number: TownNumber): Promise<void> {
  await stage.say(number, 'are you there?');
  await stage.restart();
}

const written =
  (number: TownNumber, words: string, fields = {}): Scene =>
  async (stage) => {
    await stage.dies(() => stage.say(number, words, fields));
    await comesBack(stage, number);
  };

/** Nothing of the customer wakes the conversation: what the process left must be found. */
async function isFound(stage: Stage, number: TownNumber): Promise<void> {
  await stage.restart();
  await stage.quiet();
  await stage.say(number, 'are you there?');
}

/** The model works long enough for upkeep, which comes by each second, also where the machine is busy. */
async function longThought(stage: Stage): Promise<void> {
  await stage.say(assistantNumber, '!slow 3500');
  await stage.modelWorks();
}

async function restarted(stage: Stage, variant?: ConfigVariant): Promise<void> {
  await stage.town.server.stop();
  await stage.restart(variant);
}

export const scenes = {
  firstStart: async (stage) => {
    await stage.town.server.stop();
    stage.town.forget();
    await stage.diesAtStart();
    await stage.restart();
    await stage.town.applyTenants();
    await stage.say(assistantNumber, 'hello');
  },

  message: written(assistantNumber, 'hello'),

  /** The second message comes when the first has had its end. */
  loneMessage: async (stage) => {
    await stage.dies(() => stage.say(assistantNumber, 'hello'));
    await isFound(stage, assistantNumber);
  },

  /** An answer of two parts, which leave one after the other. */
  longMessage: async (stage) => {
    const sentence = 'Half of this is one message, the rest another. ';
    await written(assistantNumber, sentence.repeat(87).trim())(stage);
    await stage.quiet();
    const texts = stage.textsFor(stage.said[0]?.contactId);
    const [first = '', second = ''] = texts;
    if (!first.startsWith('Echo: Half') || /<m/.test(first) || !/<m\d+-0>$/.test(second))
      throw new Error(`The parts of the answer are not in order: ${texts.map((text) => text.slice(-60))}`);
  },

  /** The model works already: the next turn is the one that answers. */
  modelAsked: async (stage) => {
    // So slow that it still works when the process has heard where to die.
    await stage.say(assistantNumber, '!slow 1500 hello');
    await stage.modelWorks();
    await stage.dies(async () => {});
    await isFound(stage, assistantNumber);
  },

  voiceNote: written(assistantNumber, '', { type: 'audio' }),

  /** So slow a model that the read receipt is there first. */
  messageWithReceipt: written(assistantNumber, '!slow 400 hello'),

  scriptedMessage: written(scriptedNumber, 'hello'),

  reminder: async (stage) => {
    await stage.dies(() => stage.say(scriptedNumber, 'remind me'));
    await isFound(stage, scriptedNumber);
  },

  /** Nothing else is heard of the number, so nothing tells what became of the send. */
  quietNumber: written(scriptedNumber, 'hello'),

  /** Others write to the number, and the statuses of their answers arrive: silence about one send is evidence. */
  busyNumber: async (stage) => {
    await stage.dies(() => stage.say(scriptedNumber, 'hello'));
    await stage.othersSay(scriptedNumber, 4);
    await comesBack(stage, scriptedNumber);
  },

  /** An earlier death left a send uncertain, of which its dialog says that it may be repeated. */
  uncertainSend: async (stage) => {
    const earlier = { point: 'graphSend.beforeWrite', arrival: 1 } as const;
    await stage.town.die(earlier, () => stage.say(scriptedNumber, 'repeat'));
    await stage.diesAtStart();
    await comesBack(stage, scriptedNumber);
  },

  takenOver: async (stage) => {
    await longThought(stage);
    await stage.town.server.kill();
    await stage.diesAtStart();
    await comesBack(stage, assistantNumber);
  },

  longThought: async (stage) => {
    await longThought(stage);
    await stage.dies(async () => {});
    await comesBack(stage, assistantNumber);
  },

  /** The number's dialog is not in the configuration, until somebody mends it. */
  dialogMissing: async (stage) => {
    await stage.town.server.stop();
    await stage.restart({ scripted: false });
    await stage.dies(() => stage.say(scriptedNumber, 'hello'));
    await isFound(stage, scriptedNumber);
  },

  oldRows: async (stage) => {
    await stage.say(scriptedNumber, 'hello');
    await stage.quiet();
    const { tenantId, conversationId } = stage.place();
    await stage.town.server.stop();
    age(stage, tenantId, conversationId);
    await stage.diesAtStart();
    await comesBack(stage, scriptedNumber);
    await stage.sees('the old rows are gone', () => rowsBefore(stage) === 0);
  },

  /** A start after a restore; the operator who sees it die starts it so again. */
  restored: async (stage) => {
    await stage.say(scriptedNumber, 'hello');
    await stage.quiet();
    await stage.town.server.stop();
    const order = join(stage.town.server.folder, 'after-restore');
    writeFileSync(order, '');
    try {
      await stage.diesAtStart();
      await comesBack(stage, scriptedNumber);
    } finally {
      rmSync(order);
    }
  },

  /** A picture is made, kept and given to Meta before it is sent. */
  drawn: async (stage) => {
    await stage.dies(() => stage.say(scriptedNumber, 'draw this'));
    await isFound(stage, scriptedNumber);
  },
  /** A file that nobody used for long, and what stands for it. */
  oldFile: async (stage) => {
    await stage.say(scriptedNumber, 'draw this');
    await stage.quiet();
    await stage.town.server.stop();
    const db = new DatabaseSync(stage.town.server.databasePath);
    db.exec('UPDATE file SET used_at_ms = 0');
    db.close();
    await stage.diesAtStart();
    await comesBack(stage, scriptedNumber);
    const old = 'SELECT count(*) AS count FROM file WHERE used_at_ms = 0';
    await stage.sees('the old file is forgotten', () => stage.rows<{ count: number }>(old)[0]?.count === 0);
  },

  numberOfNobody: async (stage) => {
    const number = numberOf(nextNumber++, 'scripted');
    await stage.town.addAtMeta(number);
    await stage.say(number, 'hello');
    await stage.acknowledged();
    const apply = () => stage.town.applyTenants([number]);
    await stage.dies(apply);
    await stage.say(number, 'are you there?');
    await stage.restart();
    const tenants = await stage.command<{ phoneNumbers: { phoneNumberId: string }[] }[]>('tenants.list');
    const numbers = tenants.flatMap((tenant) => tenant.phoneNumbers);
    stage.commandDone = numbers.some(({ phoneNumberId }) => phoneNumberId === number.id);
    if (!stage.commandDone) await apply();
  },

  take: async (stage) => {
    await answered(stage);
    const take = () => stage.command('take', { ...stage.place() });
    await commanded(stage, take, () => stage.holder() === 'operator');
    await givenBack(stage);
  },

  reply: async (stage) => {
    await answered(stage);
    const words = 'An operator writes.';
    const reply = () => stage.command('reply', { ...stage.place(), text: words });
    const transcript = () => stage.command<{ text: string }[]>('transcript', { ...stage.place() });
    await commanded(stage, reply, async () => (await transcript()).some(({ text }) => text === words));
    await stage.quiet();
    const arrived = stage.textsFor(stage.said[0]?.contactId).filter((text) => text === words);
    if (arrived.length !== 1) throw new Error(`The operator's words arrived ${arrived.length} times.`);
    await givenBack(stage);
  },

  handBack: async (stage) => {
    await answered(stage);
    await stage.command('take', { ...stage.place() });
    await stage.say(scriptedNumber, 'are you there?');
    await stage.acknowledged();
    const handBack = () => stage.command('handback', { ...stage.place() });
    await commanded(stage, handBack, () => stage.holder() === 'bot');
  },

  resolveFlags: async (stage) => {
    await stage.say(scriptedNumber, 'flag');
    await stage.quiet();
    const resolve = () => stage.command('flags.resolve', { ...stage.place() });
    await commanded(stage, resolve, () => stage.flagsOpen().length === 0);
    await stage.say(scriptedNumber, 'are you there?');
  },

  redrive: async (stage) => {
    await restarted(stage); // The case before may have left a server that is mended.
    await stage.say(scriptedNumber, 'break');
    await stage.quiet();
    await restarted(stage, { mended: true });
    const [letter] = (
      await stage.command<{ deadLetterId: string; tenantId: string; conversationId: string }[]>(
        'deadletters.list',
      )
    ).filter(({ conversationId }) => conversationId === stage.place().conversationId);
    const redrive = () => stage.command('deadletters.redrive', { ...letter });
    await stage.dies(redrive);
    await stage.restart({ mended: true });
    const redriven = await stage.command<{ deadLetterId: string }[]>('deadletters.list', { redriven: true });
    stage.commandDone = redriven.some(({ deadLetterId }) => deadLetterId === letter?.deadLetterId);
    if (!stage.commandDone) await redrive();
    await stage.say(scriptedNumber, 'are you there?');
  },

  /** Meta answers with an error that does not promise that nothing was accepted. */
  resolveSend: async (stage) => {
    await stage.town.simulator.control.setFaults({ graphError: { code: 131000, next: 1, accept: false } });
    await stage.say(scriptedNumber, 'hello');
    await stage.acknowledged();
    const undecided = async () => {
      const { conversationId } = stage.place();
      const sends = await stage.sends(['uncertain', 'held']);
      return sends.find((send) => send.conversationId === conversationId);
    };
    const resend = async () => {
      const send = await undecided();
      await stage.command('sends.resolve', { ...send, verdict: 'resend' });
    };
    await stage.sees('a send is uncertain', async () => (await undecided()) !== undefined);
    await commanded(stage, resend, async () => (await undecided()) === undefined);
    await stage.say(scriptedNumber, 'are you there?');
  },

  /** Who writes again afterwards is a new contact. */
  eraseContact: async (stage) => {
    await answered(stage);
    const { tenantId, conversationId } = stage.place();
    const ofConversation = 'SELECT contact_id AS contact FROM conversation WHERE conversation_id = ?';
    const [{ contact } = { contact: '' }] = stage.rows<{ contact: string }>(ofConversation, conversationId);
    const erase = () => stage.command('contacts.erase', { tenantId, contact, yes: true });
    const addresses = 'SELECT value FROM contact_address WHERE contact_id = ?';
    await commanded(stage, erase, () => stage.rows(addresses, contact).length === 0);
    await stage.say(scriptedNumber, 'are you there?');
  },

  /** Paid work: whatever dies, it is charged for once, and the ledger says so. */
  bought: async (stage) => {
    await stage.dies(() => stage.say(scriptedNumber, 'buy this'));
    await isFound(stage, scriptedNumber);
    await chargedOnce(stage);
  },

  boughtAtTheSecondTry: async (stage) => {
    stage.town.simulator.images.set({ fail: { rate: 0, next: 1 } });
    await stage.dies(() => stage.say(scriptedNumber, 'buy this'));
    await isFound(stage, scriptedNumber);
    await chargedOnce(stage);
  },

  /** The shop tells of a payment until it has its answer, and the customer hears of it once. */
  paid: async (stage) => {
    await answered(stage);
    const { key, keyId } = await makeKey(stage);
    const tell = () => stage.tell(key);
    await stage.dies(tell);
    await stage.restart();
    await stage.sees('the shop has its answer', tell);
    await stage.quiet();
    await stage.sees('the customer hears of it', () => paidTexts(stage) > 0);
    if (paidTexts(stage) > 1) throw new Error(`The customer heard of it ${paidTexts(stage)} times.`);
    await stage.command('keys.revoke', { ...stage.place(), keyId });
    await stage.say(scriptedNumber, 'are you there?');
  },

  createKey: async (stage) => {
    await answered(stage);
    await commanded(
      stage,
      () => makeKey(stage),
      async () => (await liveKeys(stage)).length === 1,
    );
    const [keyId, ...more] = await liveKeys(stage);
    if (more.length > 0) throw new Error('The command made two keys.');
    await stage.command('keys.revoke', { ...stage.place(), keyId });
    await stage.say(scriptedNumber, 'are you there?');
  },

  revokeKey: async (stage) => {
    await answered(stage);
    const { key, keyId } = await makeKey(stage);
    const revoke = () => stage.command('keys.revoke', { ...stage.place(), keyId });
    await commanded(stage, revoke, async () => (await liveKeys(stage)).length === 0);
    if (await stage.tell(key)) throw new Error('The key opens still.');
    await stage.say(scriptedNumber, 'are you there?');
  },

  doctor: async (stage) => {
    await answered(stage);
    await stage.dies(() => stage.command('doctor'));
    await comesBack(stage, scriptedNumber);
  },
} satisfies Record<string, Scene>;

export type SceneName = keyof typeof scenes;

async function chargedOnce(stage: Stage): Promise<void> {
  await stage.quiet();
  const words = stage.said[0]?.text ?? '';
  const charges = stage.town.simulator.images.charges.filter(({ prompt }) => prompt === words);
  if (charges.length !== 1) throw new Error(`The provider has charged ${charges.length} times.`);
  const { tenantId, conversationId } = stage.place();
  const sql =
    'SELECT state, spent_micros, presumed FROM ledger_entry WHERE tenant_id = ? AND conversation_id = ?';
  const entries = stage.rows(sql, tenantId, conversationId);
  const once = [{ state: 'settled', spent_micros: 40_000, presumed: 0 }];
  if (JSON.stringify(entries) !== JSON.stringify(once))
    throw new Error(`The ledger has ${JSON.stringify(entries)}.`);
  const { unbalanced } = await stage.command<{ unbalanced: number }>('ledger');
  if (unbalanced > 0) throw new Error('The ledger does not add up.');
}

function makeKey(stage: Stage): Promise<{ key: string; keyId: string }> {
  return stage.command('keys.create', { ...stage.place(), label: 'shop' });
}

async function liveKeys(stage: Stage): Promise<string[]> {
  const keys = await stage.command<{ keyId: string; revokedAtMs: number | null }[]>('keys.list');
  return keys.filter(({ revokedAtMs }) => revokedAtMs === null).map(({ keyId }) => keyId);
}

const paidTexts = (stage: Stage) =>
  stage.textsFor(stage.said[0]?.contactId).filter((text) => text.startsWith('paid')).length;

/** Rows of the conversation from before the first message of the case. */
function rowsBefore(stage: Stage): number {
  const { tenantId, conversationId } = stage.place();
  const beforeMs = String(stage.said[0]?.atMs);
  const of = (table: string, column: string) =>
    `SELECT count(*) AS count FROM ${table} WHERE tenant_id = ? AND conversation_id = ? AND ${column} < CAST(? AS INTEGER)`;
  return [of('event', 'received_at_ms'), of('send', 'created_at_ms')]
    .map((sql) => stage.rows<{ count: number }>(sql, tenantId, conversationId, beforeMs)[0]?.count ?? 0)
    .reduce((sum, count) => sum + count);
}

/** What the conversation has is older than any retention. */
function age(stage: Stage, tenantId: string, conversationId: string): void {
  const days = 40 * 86_400_000;
  const db = new DatabaseSync(stage.town.server.databasePath);
  for (const [table, columns] of [
    ['event', ['received_at_ms']],
    ['send', ['created_at_ms', 'updated_at_ms']],
  ] as const) {
    const changes = columns.map((column) => `${column} = ${column} - ${days}`).join(', ');
    db.prepare(`UPDATE ${table} SET ${changes} WHERE tenant_id = ? AND conversation_id = ?`).run(
      tenantId,
      conversationId,
    );
  }
  db.close();
}
