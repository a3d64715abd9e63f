/** Stored states of dialogs, page by page: all of them once, in key order, and none of a tenant is skipped. */
import assert from 'node:assert/strict';
import type { CaseBody } from './scene.ts';

export const stateCases: readonly CaseBody[] = [
  {
    name: 'stored states are listed page by page, those that have none are not',
    async body(scene) {
      const bsuids = ['US.one', 'US.two', 'US.three', 'US.four'];
      const stored = new Map<string, string>();
      for (const bsuid of bsuids) {
        const ref = await scene.say('hello', { from: { bsuid } });
        if (bsuid === 'US.two') continue;
        const taken = await scene.take(ref);
        const state = JSON.stringify({ dialog: bsuid });
        await scene.commit(taken, { dialogState: state, stateLabel: `${bsuid}/asking` });
        stored.set(ref.conversationId, state);
      }
      const pages: string[][] = [];
      let after: { tenantId: string; conversationId: string } | null = null;
      do {
        const page = await scene.store.listStates({ after, max: 2 });
        for (const row of page) assert.equal(row.state, stored.get(row.conversationId));
        pages.push(page.map(({ conversationId }) => conversationId));
        after = page.at(-1) ?? null;
      } while (after !== null);
      assert.deepEqual(
        pages.map(({ length }) => length),
        [2, 1, 0],
      );
      assert.deepEqual(pages.flat(), [...stored.keys()].sort());
    },
  },
];
