/**
 * Books a table: for how many, on which evening, is that right? Each step says what it asks, what it remembers and what comes
 * after it. Nightdesk stores where a conversation stands with every message, so it goes on after a restart, a crash or a
 * night; and it writes what is easily forgotten: a voice note where words were expected, "cancel", a second tap.
 *
 * Raise `version` when conversations that are under way would no longer fit a change of the steps.
 */
import { defineDialog } from 'nightdesk';
import { z } from 'zod';

const peopleMax = 12;
/** How long a customer may think about the last question before the dialog asks once more. */
const reminderAfterMs = 10 * 60_000;

export const tableBooking = defineDialog({
  name: 'table-booking',
  version: 1,
  /** What is remembered. A question may be made from what is known by now. */
  context: z.object({ people: z.number().optional(), evening: z.string().optional() }),
  start: 'people',
  states: ({ ask, confirm, end }) => ({
    people: ask({
      question: ({ people }) =>
        people === undefined
          ? 'Welcome! For how many people may I book a table?'
          : 'Then once more: for how many people?',
      read: (text) => Number(/\d+/.exec(text)?.[0]),
      as: z.number().min(1).max(peopleMax),
      wrong: `Please write a number from 1 to ${peopleMax}.`,
      keep: 'people',
      next: 'evening',
    }),
    evening: ask({
      question: ({ people }) => `A table for ${people}. On which evening?`,
      keep: 'evening',
      next: 'confirming',
    }),
    confirming: confirm({
      question: ({ people, evening }) => `${evening}, for ${people}. Is that right?`,
      later: { remindAfterMs: reminderAfterMs, reminder: 'Shall I book the table? A yes is enough.' },
      yes: 'booked',
      no: 'people',
    }),
    /** The end: the customer's next message begins a new booking. */
    booked: end({
      say: ({ people, evening }) => `Your table for ${people} is booked: ${evening}. See you then!`,
    }),
  }),
});
