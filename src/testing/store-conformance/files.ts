/** What the store knows of files: each of its tenant's, its last use, and which of them Meta has. */
import assert from 'node:assert/strict';
import type { FileRef } from '#core/ports/files.ts';
import { type CaseBody, dayMs, type Scene } from './scene.ts';

const picture: FileRef = { tenantId: 'acme', fileId: 'a'.repeat(64) };
const sound: FileRef = { tenantId: 'acme', fileId: 'b'.repeat(64) };

const note = (scene: Scene, file: FileRef, mimeType = 'image/png') =>
  scene.store.noteFile({ ...file, mimeType, bytes: 9, nowMs: scene.nowMs });
const unused = (scene: Scene, sinceMs: number, max = 10) =>
  scene.store.listUnusedFiles({ unusedSinceMs: sinceMs, max });

export const fileCases: readonly CaseBody[] = [
  {
    name: 'a file that was noted is found, of its tenant alone, also after a restart',
    invariant: 'I10',
    async body(scene) {
      await note(scene, picture);
      await scene.restart();
      assert.deepEqual(await scene.store.findFile(picture), {
        mimeType: 'image/png',
        bytes: 9,
        usedAtMs: scene.nowMs,
      });
      assert.equal(await scene.store.findFile({ ...picture, tenantId: 'other' }), null);
      assert.equal(await scene.store.findFile(sound), null);
    },
  },
  {
    name: 'using a file makes it younger, never older',
    async body(scene) {
      await note(scene, picture);
      const firstMs = scene.nowMs;
      scene.advance(dayMs);
      await note(scene, picture, 'image/jpeg');
      const secondMs = scene.nowMs;
      await scene.store.noteFile({ ...picture, mimeType: 'image/jpeg', bytes: 9, nowMs: firstMs });
      const row = await scene.store.findFile(picture);
      assert.deepEqual([row?.mimeType, row?.usedAtMs], ['image/jpeg', secondMs]);
    },
  },
  {
    name: 'unused files are listed by age, and forgotten only while they are unused',
    async body(scene) {
      await note(scene, picture);
      scene.advance(dayMs);
      await note(scene, sound);
      await note(scene, { ...picture, tenantId: 'other' });
      assert.deepEqual(await unused(scene, scene.nowMs), [picture]);
      assert.equal((await unused(scene, scene.nowMs + 1)).length, 3);
      assert.deepEqual(await unused(scene, scene.nowMs + 1, 1), [picture]);
      const before = { ...picture, unusedSinceMs: scene.nowMs };
      await note(scene, picture);
      assert.equal(await scene.store.forgetFile(before), false);
      scene.advance(1);
      assert.equal(await scene.store.forgetFile({ ...picture, unusedSinceMs: scene.nowMs }), true);
      assert.equal(await scene.store.findFile(picture), null);
      assert.notEqual(await scene.store.findFile({ ...picture, tenantId: 'other' }), null);
    },
  },
  {
    name: 'an upload is known for its tenant, number and time, and a newer one takes its place',
    invariant: 'I10',
    async body(scene) {
      await note(scene, picture);
      scene.advance(dayMs);
      const untilMs = scene.nowMs + 29 * dayMs;
      const upload = { ...picture, phoneNumberId: '100', untilMs, nowMs: scene.nowMs };
      await scene.store.noteUpload({ ...upload, mediaId: 'first' });
      const known = (over: Partial<typeof upload> = {}) =>
        scene.store.findUpload({ ...upload, nowMs: scene.nowMs, ...over });
      assert.equal(await known(), 'first');
      assert.equal(await known({ phoneNumberId: '101' }), null);
      assert.equal(await known({ tenantId: 'other' }), null);
      assert.equal(await known({ fileId: sound.fileId }), null);
      assert.equal(await known({ nowMs: untilMs - 1 }), 'first');
      assert.equal(await known({ nowMs: untilMs }), null);
      await scene.store.noteUpload({ ...upload, mediaId: 'second' });
      assert.equal(await known(), 'second');
      assert.equal((await scene.store.findFile(picture))?.usedAtMs, scene.nowMs);
    },
  },
  {
    name: 'uploads that ended long ago are pruned',
    async body(scene) {
      const upload = { ...picture, phoneNumberId: '100', mediaId: 'm', nowMs: scene.nowMs };
      await scene.store.noteUpload({ ...upload, untilMs: scene.nowMs + dayMs });
      scene.advance(60 * dayMs);
      const settings = { nowMs: scene.nowMs, retentionMs: 30 * dayMs, dedupeKeepMs: 9 * dayMs, maxRows: 100 };
      let removed = 0;
      for (let step = 0; step < 30; step++) removed += await scene.store.prune(settings);
      assert.equal(removed, 1);
    },
  },
];
