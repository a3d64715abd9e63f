/** Whoever sends a voice note, or anything but words, is met with the general fallback. */
import { setup } from 'xstate';
import { defineDialog, dialogActions } from '#core/dialog/dialog.ts';
import { say } from './words.ts';

const make = (more: object) =>
  defineDialog({
    name: 'opinion',
    version: 1,
    activities: {},
    machine: setup({ actions: dialogActions }).createMachine({
      initial: 'asking',
      states: {
        asking: {
          on: { text: { target: 'thanked', actions: say('Thank you!') }, ...more },
        },
        thanked: { type: 'final' },
      },
    }),
  });

const kinds = ['image', 'video', 'audio', 'document', 'sticker', 'location', 'contacts', 'button'];
const others = [...kinds, 'listChoice', 'templateButton', 'waFlowReply', 'order', 'unsupported', 'unknown'];
const inWords = { actions: say('In words, please.') };
const all = Object.fromEntries(others.map((kind) => [kind, inWords]));

export const faulty = make(all);
export const sound = make({ ...all, voice: inWords });
