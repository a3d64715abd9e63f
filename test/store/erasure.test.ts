/**
 * What is left of a contact after its erasure: every column of every table is looked through, and every byte of the files.
 * A table or column that is added later is looked through by itself. Other contacts stay byte for byte.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import type { Sender } from '#core/model/events.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { type Database, openDatabase } from '#store/sqlite/database/database.ts';
import { storeOn } from '#store/sqlite/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { hourMs, nth, owner, phoneNumber, Scene } from '#testing/store-conformance/scene.ts';
import { everyRow } from './every-row.ts';

/** Stands in everything that the erased customer or their dialog says; nowhere else. */
const canary = 'Kanarienvogel';
const phone = '4915550001234';
const bsuid = 'DE.77777777';
const other = phoneNumber({}, { phoneNumberId: '200' });
const elsewhere = phoneNumber({}, { tenantId: 'globex', phoneNumberId: '300', wabaId: 'waba' });

let folder: string | null = null;
let scene: Scene;
let db: Database;

function open(path: string): void {
  db = openDatabase(path);
  const store = storeOn(db, { soon: (fn) => void setImmediate(fn), random: seededRandom(5) });
  scene = new Scene({ store, close: () => store.close() });
}

function openFile(): string {
  folder = mkdtempSync(join(tmpdir(), 'nightdesk-erasure-'));
  open(join(folder, 'nightdesk.db'));
  return folder;
}

afterEach(async () => {
  await scene.close();
  if (folder !== null) rmSync(folder, { recursive: true });
  folder = null;
});

// --- a life with everything in it -------------------------------------------------------------------------------------

interface Life {
  ref: ConversationRef;
  from: Sender;
  /** Stands in everything that is said. */
  word: string;
  /** Ids are made with it. */
  tag: string;
  state: string;
}

/** Everything that a customer can leave in the store. */
async function live(from: Sender, word: string, tag: string, more = ''): Promise<ConversationRef> {
  const ref = await scene.say(`${word} first ${more}`, { from });
  await scene.say(`${word} on another number`, { from, number: other });
  const life = { ref, from, word, tag, state: JSON.stringify({ context: { name: word, more } }) };
  const flagId = await work(life);
  await hear(life);
  await die(life, flagId);
  const media = { mediaId: '1', mimeType: 'image/png', caption: word };
  await scene.say('', { from, kind: 'image', content: { media } });
  await strayed(life);
  return ref;
}

/** A turn with a flag, a timer and activities: one is done, one runs, one has asked its provider, one has not. */
async function work({ ref, word, tag, state }: Life): Promise<string> {
  const flagId = scene.id('flg');
  const claims = [{ limit: 'each', scope: contactIdOf(ref), windowMs: hourMs, max: 99, amount: 1 }];
  const cost = { currency: 'EUR', amountMicros: 500, onUncertain: 'retryWithKey', late: 'reuse' } as const;
  const activity = (name: string, more = {}) => ({
    ...{ activityId: `act_${tag}${name}`, name, input: { words: word }, deadlineMs: hourMs, claims },
    ...more,
  });
  await scene.commit(await scene.take(ref), {
    dialogState: state,
    activities: [
      activity('done'),
      activity('runs'),
      activity('paid', { cost }),
      activity('unpaid', { cost }),
    ],
    timers: [{ timerId: 'silence', token: '1', dueAtMs: scene.nowMs + hourMs }],
    flags: [{ flagId, reason: 'customerAsked', detail: `${word} wants a person` }],
  });
  const by = { ref, ownerId: owner, nowMs: scene.nowMs };
  await scene.store.settleActivity({ ...by, activityId: `act_${tag}done`, result: { answer: word } });
  await scene.store.beginAttempt({ ...by, activityId: `act_${tag}paid` });
  return flagId;
}

/** The shop tells something; one answer was delivered, one is on the wire, one waits. */
async function hear({ ref, word, tag }: Life): Promise<void> {
  await scene.store.appendBusiness({
    ...{ tenantId: 'acme', idempotencyKey: `order-${tag}`, request: `${word} ordered`, keyId: null },
    ...{ to: { kind: 'conversation', conversationId: ref.conversationId, phoneNumberId: null } },
    ...{ name: 'order.shipped', data: { to: word }, nowMs: scene.nowMs },
  });
  const template = { type: 'template', template: { name: word, language: { code: 'de' } } } as const;
  const sends = await scene.answer(
    ref,
    scene.newSend(`${word} delivered`, { quoteWamid: 'wamid.quoted' }),
    scene.newSend(`${word} on the wire`),
    scene.newSend(`${word} waits`, { ifWindowClosed: template }),
  );
  await scene.deliver(nth(sends, 0), `wamid.${tag}`);
  await scene.leave(nth(sends, 1));
}

/** The dialog throws. */
async function die({ ref, from, word, state }: Life, flagId: string): Promise<void> {
  await scene.say(`${word} makes the dialog throw`, { from });
  const taken = await scene.take(ref);
  const last = nth(taken.events, taken.events.length - 1).position;
  await scene.commit(taken, {
    dialogState: state,
    deadLetters: [{ deadLetterId: scene.id('dlt'), position: last, fault: `cannot read ${word}` }],
    consumed: taken.events.map(({ position }) => ({
      position,
      end: position === last ? 'deadLetter' : 'noAnswerNeeded',
    })),
    ends: [{ end: 'flagged', endRef: flagId, through: last }],
  });
}

/** What names the customer and stands in no mailbox. */
async function strayed({ from, word, tag }: Life): Promise<void> {
  const item = scene.message(`${word} to a number of nobody`, { from });
  const bytes = new TextEncoder().encode(`{"from":"${from.phone}","${word}`);
  const raw = JSON.stringify({ wa_id: from.phone, words: word });
  const about = { wabaId: 'waba', field: 'user_preferences', alert: false };
  const notice = { ...about, type: 'notice' as const, atMs: scene.nowMs, dedupeKey: `notice-${tag}`, raw };
  await scene.store.append(
    scene.batch({
      quarantine: [
        { reason: 'unknownNumber', tenantId: '', phoneNumberId: '100', item, bytes: null },
        { reason: 'unreadable', tenantId: '', phoneNumberId: null, item: null, bytes },
      ],
      notices: [{ tenantId: 'acme', notice }],
    }),
  );
}

const selectContact = 'SELECT contact_id AS id FROM conversation WHERE conversation_id = ?';
const contactIdOf = ({ conversationId }: ConversationRef) =>
  String(db.raw.prepare(selectContact).get(conversationId)?.id);

const erased: Sender = { phone, bsuid, name: `${canary} Maier`, username: canary };
const neighbour: Sender = { phone: `${phone}5`, bsuid: `${bsuid}.8`, name: 'Noor' };

async function erase(contactId: string) {
  scene.advance(1);
  return scene.store.eraseContact({
    ...{
      tenantId: 'acme',
      contactId,
      fileIds: [],
      filesSeenAtMs: scene.nowMs,
      by: 'ann',
      nowMs: scene.nowMs,
    },
  });
}

// --- looking ----------------------------------------------------------------------------------------------------------

const holding = (rows: readonly string[], ...words: string[]) =>
  rows.filter((row) => words.some((word) => new RegExp(`(?<![0-9A-Za-z])${word}(?![0-9]|\\.8)`).test(row)));

/** Names of the files that hold the canary. */
function filesHolding(at: string, word: string): string[] {
  return readdirSync(at).filter((name) => readFileSync(join(at, name)).includes(word));
}

describe('an erased contact', () => {
  test('has no byte of what was said, nor an address, in any column of any table; others stay byte for byte', async () => {
    open(':memory:');
    const ref = await live(erased, canary, 'one');
    await live(neighbour, 'sparrow', 'two');
    await scene.say('sparrow', { from: { phone, bsuid }, number: elsewhere });
    const before = everyRow(db);
    // The stage is set: the canary sits in every table that can hold content.
    const perched = new Set(holding(before, canary).map((row) => row.split(' ')[0]));
    expect([...perched].sort()).toEqual([
      'activity',
      'contact',
      'conversation',
      'dead_letter',
      'event',
      'flag',
      'notice',
      'quarantine',
      'send',
    ]);
    const contactId = contactIdOf(ref);
    await erase(contactId);
    const after = everyRow(db);
    expect(holding(after, canary)).toEqual([]);
    expect(holding(after, phone, bsuid).filter((row) => !row.includes('globex'))).toEqual([]);
    const conversations = db.raw
      .prepare('SELECT conversation_id FROM conversation WHERE contact_id = ?')
      .all(contactId);
    const own = [canary, contactId, phone, ...conversations.map((row) => String(row.conversation_id))];
    const isOwn = (row: string) => own.some((word) => row.includes(word)) && !row.includes('sparrow');
    const others = before.filter((row) => !isOwn(row));
    expect(others.length).toBeGreaterThan(30);
    expect(others.filter((row) => !after.includes(row))).toEqual([]);
  });

  test('is not in a byte of the files, whatever the sizes were and however often they changed', async () => {
    const at = openFile();
    const random = seededRandom(11);
    const words = (word: string) => `${word} `.repeat(1 + Math.floor(random() ** 4 * 3_000));
    await live(erased, canary, 'one', words(canary));
    for (let round = 0; round < 60; round++) {
      for (const [word, from] of [
        [canary, erased] as const,
        ['sparrow', { bsuid: `DE.${round % 7}` }] as const,
      ]) {
        const ref = await scene.say(words(word), { from });
        const sends = [scene.newSend(words(word))];
        await scene.commit(await scene.take(ref), {
          dialogState: JSON.stringify({ said: words(word) }),
          sends,
        });
      }
      scene.advance(hourMs);
    }
    const ref = await scene.conversationOf({ bsuid });
    expect(filesHolding(at, canary).length).toBeGreaterThan(1);
    const { isScrubbed, content } = await erase(contactIdOf(ref));
    expect(isScrubbed).toBe(true);
    expect(content.events).toBeGreaterThan(50);
    expect(filesHolding(at, canary)).toEqual([]);
    expect(filesHolding(at, 'sparrow')).toEqual(['nightdesk.db']);
  });

  test('stays in the log of commits while somebody reads the file; erasing again takes it out', async () => {
    const at = openFile();
    const ref = await live(erased, canary, 'one');
    const reader = new DatabaseSync(join(at, 'nightdesk.db'), { readOnly: true });
    reader.exec('BEGIN; SELECT count(*) FROM event');
    const contactId = contactIdOf(ref);
    expect((await erase(contactId)).isScrubbed).toBe(false);
    expect(filesHolding(at, canary)).not.toEqual([]);
    reader.close();
    expect((await erase(contactId)).isScrubbed).toBe(true);
    expect(filesHolding(at, canary)).toEqual([]);
  });
});
