/** A file of an earlier schema is brought to the newest, with what stands in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { migrations } from '#store/sqlite/database/schema.ts';
import { openSqliteStore } from '#store/sqlite/index.ts';
import { seededRandom } from '#testing/fake-world.ts';

test('of the first schema: an activity that runs is found, a limit keeps what it counted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightdesk-migrations-'));
  const path = join(folder, 'nightdesk.db');
  const old = new DatabaseSync(path);
  old.exec(migrations[0]?.sql ?? '');
  old.exec(`PRAGMA user_version = 1;
    INSERT INTO conversation (tenant_id, conversation_id, phone_number_id, waba_id, contact_id, created_at_ms) VALUES ('t', 'c', 'n', 'w', 'k', 1);
    INSERT INTO activity (tenant_id, activity_id, conversation_id, name, input, state, deadline_ms, deadline_at_ms, fence, created_at_ms)
      VALUES ('t', 'act_1', 'c', 'reply', '{}', 'running', 10, 10, 1, 1);
    INSERT INTO limit_counter (tenant_id, limit_name, scope, window_start_ms, window_end_ms, used, refused) VALUES ('t', 'l', '', 0, 1000, 3, 2);`);
  old.close();
  const store = openSqliteStore({ path, soon: (fn) => void setImmediate(fn), random: seededRandom(1) });
  const { activities, charges } = await store.findWork({ ownerId: 'own_1', nowMs: 5, max: 10 });
  expect(activities.map(({ activityId, charge }) => [activityId, charge])).toEqual([['act_1', undefined]]);
  expect(charges).toEqual([]);
  expect(await store.readLimits({ sinceMs: 0 })).toMatchObject([{ limit: 'l', used: 3, refusals: 2 }]);
  expect(await store.readLedger({ by: [] })).toEqual({ rows: [], unbalanced: 0 });
  await store.close();
  rmSync(folder, { recursive: true });
});
