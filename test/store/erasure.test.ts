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
import { hourMs, phoneNumber, Scene } from '#testing/store-conformance/scene.ts';
import { everyRow } from './every-row.ts';
import { live } from './life.ts';

/** Stands in everything that the erased customer or their dialog says; nowhere else. */
const canary = 'Kanarienvogel';
const phone = '4915550001234';
const bsuid = 'DE.77777777';
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
    const ref = await live(scene, erased, canary, 'one');
    await live(scene, neighbour, 'sparrow', 'two');
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
    await live(scene, erased, canary, 'one', words(canary));
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
    const ref = await live(scene, erased, canary, 'one');
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
