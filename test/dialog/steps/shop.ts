/** A small shop that uses every step: a dialog for the tests of the steps. */
import { z } from 'zod';
import { defineActivity } from '#core/dialog/activity.ts';
import { defineDialog } from '#core/dialog/define.ts';
import { ctaUrl, image } from '#core/model/send-builders/index.ts';

export const draw = defineActivity({
  name: 'draw',
  input: z.object({ name: z.string(), style: z.string() }),
  output: z.object({ designs: z.array(z.string()) }),
  deadlineMs: 60_000,
  cost: { currency: 'USD', amountMicros: 40_000 },
  limits: [{ name: 'designsPerDay', per: 'contact', windowMs: 86_400_000, max: 3 }],
  onUncertain: 'retryWithKey',
  run: () => Promise.resolve({ result: { designs: [] } }),
});

const remembered = z.object({
  name: z.string().optional(),
  style: z.string().optional(),
  designs: z.array(z.string()).default([]),
  chosen: z.string().optional(),
  order: z.string().optional(),
});

const hourMs = 3_600_000;

export const shop = defineDialog({
  name: 'shop',
  version: 1,
  context: remembered,
  texts: {
    en: {
      welcome: 'Welcome to the gift shop!',
      askName: 'Whom is the gift for?',
      askStyle: ({ name }) => `Which style would ${name} like?`,
      watercolor: 'Watercolour',
      comic: 'Comic',
      painting: 'I am painting, this takes a minute.',
    },
    es: {
      welcome: '¡Bienvenido a la tienda!',
      askName: '¿Para quién es el regalo?',
      askStyle: ({ name }) => `¿Qué estilo le gustaría a ${name}?`,
      watercolor: 'Acuarela',
      comic: 'Cómic',
      painting: 'Estoy pintando, tardo un minuto.',
    },
  },
  greeting: { text: 'welcome' },
  start: 'name',
  states: ({ ask, choose, confirm, work, waitFor, end, handOff, text }) => ({
    name: ask({ question: text('askName'), as: z.string().max(30), keep: 'name', next: 'style' }),
    style: choose({
      question: text('askStyle'),
      options: [
        { id: 'watercolor', title: text('watercolor') },
        { id: 'comic', title: text('comic') },
      ],
      keep: 'style',
      next: 'generating',
    }),
    generating: work({
      activity: draw,
      input: ({ name = '', style = '' }) => ({ name, style }),
      say: text('painting'),
      done: { keep: ({ designs }) => ({ designs }), next: 'picking' },
      failed: { say: 'That went wrong, nothing was charged.', next: 'style' },
      refused: [
        { when: ({ designs }) => designs.length > 0, say: 'No more designs today.', next: 'picking' },
        { say: 'No more designs today, come back tomorrow.', next: 'done' },
      ],
      deadline: { say: 'That took too long.', next: 'style' },
    }),
    picking: choose({
      intro: ({ designs }) => designs.map((id) => image({ id })),
      question: 'Which one do you take?',
      options: [
        ...['1', '2'].map((id) => ({
          id,
          title: `Design ${id}`,
          next: { keep: 'chosen' as const, next: 'sure' },
        })),
        { id: 'again', title: 'Again, please', next: 'generating' },
      ],
    }),
    sure: confirm({ question: ({ chosen }) => `Design ${chosen} it is?`, yes: 'paying', no: 'picking' }),
    paying: waitFor({
      question: 'Pay on the page; I wait here.',
      intro: () => ctaUrl({ body: 'Your gift: 20 €', displayText: 'Pay', url: 'https://pay.example/1' }),
      events: {
        'payment.succeeded': {
          keep: (data) => ({ order: (data as { order: string }).order }),
          next: 'done',
        },
        'payment.expired': { say: 'The payment has expired.', next: 'sure' },
      },
      options: [{ id: 'person', title: 'Talk to us', next: 'person' }],
    }),
    person: handOff({ next: 'picking' }),
    done: end({ say: ({ order }) => `Thank you!${order === undefined ? '' : ` Your order is ${order}.`}` }),
  }),
  later: { remindAfterMs: 2 * hourMs },
  assistant: { about: 'The customer is buying a gift.' },
  events: { 'order.shipped': { say: 'Your gift is on its way!' } },
});
