import type { DialogState } from '#core/dialog/dialog-state.ts';
import type { Taken } from '#core/ports/store.ts';
import type { Variant } from '../variant.ts';

/** As if the button that was tapped were one of what is asked now, and nobody had tapped it before. */
function renewed(taken: Taken): Taken {
  if (taken.outcome !== 'taken' || taken.dialogState === null) return taken;
  const visit = taken.events
    .map(({ content }) => /^nd\.(\d+)\./.exec(content.choice?.id ?? '')?.[1])
    .find((each) => each !== undefined);
  if (visit === undefined) return taken;
  const state = JSON.parse(taken.dialogState) as DialogState;
  return { ...taken, dialogState: JSON.stringify({ ...state, visit: { began: Number(visit) } }) };
}

export const secondTapActs: Variant = {
  name: 'secondTapActs',
  breaks: ['I7'],
  what: 'Nobody remembers which question a button belongs to, nor that it was tapped: each tap acts.',
  store: (store) => ({
    ...store,
    takeConversations: async (input) => (await store.takeConversations(input)).map(renewed),
  }),
};
