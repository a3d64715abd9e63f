/**
 * Books a table: for how many, on which evening, is that right? A state machine says what comes after what; Nightdesk
 * stores its state with every message, so a conversation goes on after a restart, a crash or a night. The functions below are
 * pure: they get the customer's message as an event and say what is to be remembered or sent.
 *
 * Raise `version` when conversations that are under way would no longer fit a change of the states.
 */
import { type DialogEvent, defineDialog, dialogActions } from 'nightdesk';
import { assign, setup } from 'xstate';

interface Booking {
  people: number;
  evening: string;
}

/** How long a customer may think about the last question before the dialog asks once more. */
const reminderAfterMs = 10 * 60_000;
const peopleMax = 12;

/** What the customer wrote. Every event carries it, in a form that XState's types do not know of. */
const textOf = (event: unknown): string => ((event as DialogEvent).text ?? '').trim();
const peopleIn = (event: unknown): number => Number(/\d+/.exec(textOf(event))?.[0] ?? 0);

/** `say` with a fixed text, or with one that is made from what is known by now. */
const say = (text: string | ((booking: Booking) => string)) => ({
  type: 'say' as const,
  params: ({ context }: { context: Booking }) => ({ text: typeof text === 'string' ? text : text(context) }),
});

const machine = setup({
  types: { context: {} as Booking, events: {} as DialogEvent },
  actions: {
    ...dialogActions,
    notePeople: assign(({ event }) => ({ people: peopleIn(event) })),
    noteEvening: assign(({ event }) => ({ evening: textOf(event) })),
  },
  guards: {
    isPossible: ({ event }) => peopleIn(event) >= 1 && peopleIn(event) <= peopleMax,
    isYes: ({ event }) => /^(yes|yeah|ok|sure|si|sí|ja|oui)\b/i.test(textOf(event)),
    isNo: ({ event }) => /^(no|nope|non|nein)\b/i.test(textOf(event)),
  },
}).createMachine({
  context: { people: 0, evening: '' },
  initial: 'greeting',
  states: {
    greeting: {
      on: { text: { target: 'people', actions: say('Welcome! For how many people may I book a table?') } },
    },
    people: {
      on: {
        text: [
          {
            guard: 'isPossible',
            target: 'evening',
            actions: ['notePeople', say(({ people }) => `A table for ${people}. On which evening?`)],
          },
          { actions: say(`Please write a number from 1 to ${peopleMax}.`) },
        ],
      },
    },
    evening: {
      on: {
        text: {
          target: 'confirming',
          actions: ['noteEvening', say(({ people, evening }) => `${evening}, for ${people}. Is that right?`)],
        },
      },
    },
    confirming: {
      after: { [reminderAfterMs]: { actions: say('Shall I book the table? A yes is enough.') } },
      on: {
        text: [
          {
            guard: 'isYes',
            target: 'booked',
            actions: say(
              ({ people, evening }) => `Your table for ${people} is booked: ${evening}. See you then!`,
            ),
          },
          { guard: 'isNo', target: 'people', actions: say('Then once more: for how many people?') },
          { actions: say('Is that right? Please answer with yes or no.') },
        ],
      },
    },
    /** The end: the customer's next message begins a new booking. */
    booked: { type: 'final' },
  },
});

export const tableBooking = defineDialog({
  name: 'table-booking',
  version: 1,
  machine,
  activities: {},
  unexpectedText: () => 'I can only read text. Please write it to me.',
});
