/**
 * The gift shop: whose gift it is, what is to be in the picture and in which style; then four designs are drawn, the
 * customer takes one or asks for four new ones, pays on a page, and gets an order reference. Each step below says what
 * comes after it; silence, voice notes, double taps, a return after hours, "cancel" and questions in between are the
 * steps' own business.
 *
 * Raise `version` when purchases that are under way would no longer fit a change of the states.
 */
import { ctaUrl, defineDialog, type Exit, image, type Steps } from 'nightdesk';
import { z } from 'zod';
import { checkoutActivity } from '../activities/checkout.ts';
import { drawActivity } from '../activities/draw.ts';
import { upload } from '../activities/upload.ts';
import { priceText, readShopSettings, type ShopSettings, styles } from '../settings.ts';
import { type Payment, shopEvents } from './events.ts';
import { type Gift, giftSchema } from './gift.ts';
import { type WordName, wordsOf } from './words.ts';

const hourMs = 3_600_000;
const hasLetter = /\p{L}/u;
const nameOf = z.string().trim().max(40).regex(hasLetter);
const themeOf = z.string().trim().max(200).regex(hasLetter);
const designNumbers = [1, 2, 3, 4] as const;
/** The customer has four designs to choose from. */
const isShown = ({ pictures }: Readonly<Gift>): boolean => pictures.length > 0;

export function createGiftShop(settings: ShopSettings) {
  return defineDialog({
    name: 'gift-shop',
    version: 1,
    context: giftSchema,
    texts: wordsOf(settings),
    greeting: { text: 'welcome' },
    start: 'name',
    states: (steps) => ({
      ...wishing(steps),
      ...designing(steps, drawActivity(settings)),
      ...buying(steps, checkoutActivity(settings)),
    }),
    later: { remindAfterMs: 3 * hourMs },
    assistant: {
      about: `The customer is choosing a gift: four drawn designs, of which one is bought as a print for ${priceText(settings)}, sent within a week. To look at designs costs nothing, ${settings.drawingsPerDay} times a day.`,
    },
    eventData: shopEvents,
    events: {
      'payment.succeeded': [
        // Stripe may tell of one payment twice.
        {
          when: ({ paidCheckoutId }, { checkoutId }) => paidCheckoutId === checkoutId,
        },
        paidNow,
        paidBefore,
      ],
      'payment.failed': {},
      'payment.expired': {},
      'order.shipped': { say: { text: 'shipped' } },
    },
  });
}

type Shop = Steps<Gift, WordName, typeof shopEvents>;

/** What the gift is to be. */
function wishing({ ask, choose, text }: Shop) {
  return {
    name: ask({
      question: text('askName'),
      wrong: text('wrongName'),
      as: nameOf,
      keep: 'name',
      next: 'theme',
    }),
    theme: ask({
      question: text('askTheme'),
      wrong: text('wrongTheme'),
      as: themeOf,
      keep: 'theme',
      next: 'style',
    }),
    style: choose({
      question: text('askStyle'),
      options: styles.map((id) => ({ id, title: text(id) })),
      keep: 'style',
      next: 'ready',
    }),
    ready: choose({
      question: text('ready'),
      options: [
        { id: 'draw', title: text('draw'), next: 'drawing' },
        { id: 'change', title: text('change'), next: 'theme' },
      ],
    }),
  };
}

/** From the wish to four pictures, of which one is chosen. */
function designing({ choose, work, text }: Shop, draw: ReturnType<typeof drawActivity>) {
  return {
    drawing: work({
      activity: draw,
      input: ({ name, theme, style }) => ({ name, theme, style }),
      say: text('drawing'),
      stillWorking: text('stillDrawing'),
      done: { keep: ({ designs }) => ({ designs, pictures: [] }), next: 'showing' },
      failed: [
        { when: (_, { code }) => code === 'moderation_blocked', say: text('blocked'), next: 'theme' },
        { when: (_, { code }) => code === 'uncertain', say: text('drawingUncertain'), next: 'trouble' },
        { say: text('drawingFailed'), next: 'trouble' },
      ],
      refused: [
        { when: isShown, say: text('noMoreDrawings'), next: 'picking' },
        { when: ({ designs }) => designs.length > 0, say: text('noMoreDrawings'), next: 'unshown' },
        { say: text('noMoreDrawings'), next: 'ready' },
      ],
    }),
    trouble: choose({
      question: text('trouble'),
      options: [
        { id: 'draw', title: text('drawAgain'), next: 'drawing' },
        { id: 'change', title: text('change'), next: 'theme' },
        { id: 'designs', title: text('choose'), when: isShown, next: 'picking' },
      ],
    }),

    showing: work({
      activity: upload,
      input: ({ designs }) => ({ designs }),
      stillWorking: text('stillDrawing'),
      done: {
        keep: ({ pictures }) => ({ pictures, chosen: 0 }),
        say: ({ pictures }) => pictures.map((id, at) => image({ id }, { caption: String(at + 1) })),
        next: 'picking',
      },
      failed: { say: text('uploadFailed'), next: 'unshown' },
      refused: { say: text('uploadFailed'), next: 'unshown' },
    }),
    unshown: choose({
      question: text('showTrouble'),
      options: [
        { id: 'show', title: text('showAgain'), next: 'showing' },
        { id: 'change', title: text('change'), next: 'theme' },
      ],
    }),
    picking: choose({
      question: text('pick'),
      options: [
        ...designNumbers.map((chosen) => ({
          id: `design${chosen}`,
          title: text(`design${chosen}`),
          next: { keep: () => ({ chosen }), next: 'chosen' },
        })),
        { id: 'again', title: text('again'), next: 'drawing' },
      ],
    }),
  };
}

/** From the choice to the order. */
function buying(
  { choose, work, waitFor, handOff, end, text }: Shop,
  checkout: ReturnType<typeof checkoutActivity>,
) {
  return {
    chosen: choose({
      question: text('chosen'),
      options: [
        { id: 'buy', title: text('buy'), next: 'preparing' },
        { id: 'other', title: text('otherDesign'), next: 'picking' },
        { id: 'again', title: text('newDesigns'), next: 'drawing' },
      ],
    }),
    preparing: work({
      activity: checkout,
      input: (gift, told) => ({
        title: text('printFor')(gift, told),
        design: gift.designs[gift.chosen - 1] ?? '',
        ...(gift.checkoutId === undefined ? {} : { earlier: gift.checkoutId }),
      }),
      stillWorking: text('preparing'),
      done: {
        keep: ({ checkoutId, url, order }) => ({ checkoutId, checkoutUrl: url, order }),
        next: 'paying',
      },
      failed: [
        { when: (_, { code }) => code === 'paidAlready', say: text('payArrived'), next: 'paying' },
        { say: text('checkoutFailed'), next: 'chosen' },
      ],
      refused: { say: text('noMorePages'), next: 'chosen' },
    }),
    paying: waitFor({
      intro: (gift, told) =>
        ctaUrl({
          body: text('payHere')(gift, told),
          displayText: text('pay')(gift, told),
          url: gift.checkoutUrl,
        }),
      question: text('waitForPayment'),
      options: [
        { id: 'designs', title: text('choose'), next: 'chosen' },
        { id: 'person', title: text('person'), next: 'person' },
      ],
      events: {
        'payment.succeeded': [paidNow, { ...paidBefore, when: isThisPage, next: 'chosen' }],
        'payment.failed': { say: text('payFailed') },
        'payment.expired': { when: isThisPage, say: text('payExpired'), next: 'chosen' },
      },
    }),

    person: handOff({ next: 'paying' }),
    bought: end({ say: text('bought') }),
  };
}

const isThisPage = ({ checkoutId }: Readonly<Gift>, payment: Payment): boolean =>
  checkoutId === payment.checkoutId;

/** The page that the customer was given last, for a design that is still there: it may not be the one in talk now. */
const paidNow: Exit<Gift, Payment> = {
  when: (gift, payment) => isThisPage(gift, payment) && gift.designs.includes(payment.metadata.design),
  keep: ({ checkoutId, metadata }, { designs }) => ({
    paidCheckoutId: checkoutId,
    order: metadata.order,
    chosen: designs.indexOf(metadata.design) + 1,
  }),
  next: 'bought',
};

/** For a design that was drawn over since, or from a purchase that was left. */
const paidBefore: Exit<Gift, Payment> = {
  keep: (payment, gift) => ({
    lateOrder: payment.metadata.order,
    checkoutId: isThisPage(gift, payment) ? undefined : gift.checkoutId,
  }),
  say: { text: 'paidLate' },
  flag: 'A payment page from before was paid; see which design it was for.',
};

export const giftShop = createGiftShop(readShopSettings(process.env));
