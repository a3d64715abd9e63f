import type { DialogState } from '#core/dialog/dialog-state.ts';
import type { Taken } from '#core/ports/store.ts';
import type { Variant } from '../variant.ts';

/** Gives every result the id of the activity for which the dialog waits now. */
function matched(taken: Taken): Taken {
  if (taken.outcome !== 'taken' || taken.dialogState === null) return taken;
  const { activities } = JSON.parse(taken.dialogState) as DialogState;
  const activityId = activities.reply;
  if (activityId === undefined) return taken;
  return {
    ...taken,
    events: taken.events.map((event) =>
      event.kind === 'activityDone' ? { ...event, content: { ...event.content, activityId } } : event,
    ),
  };
}

export const resultOfEarlierVisit: Variant = {
  name: 'resultOfEarlierVisit',
  breaks: ['I8'],
  what: 'A result is matched by the name of its state and not by the visit, so that a late one is taken for the present one.',
  store: (store) => ({
    ...store,
    takeConversations: async (input) => (await store.takeConversations(input)).map(matched),
  }),
};
