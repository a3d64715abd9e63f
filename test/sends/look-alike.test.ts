/** Builders and look-alike agree: whatever is built is accepted, and every body has words for a history. */
import { expect, test } from 'vitest';
import type { SendBody } from '#core/model/send-bodies.ts';
import {
  audio,
  buttons,
  callPermissionRequest,
  carousel,
  catalog,
  contactInfoRequest,
  contacts,
  ctaUrl,
  document,
  image,
  list,
  location,
  locationRequest,
  product,
  products,
  reaction,
  sticker,
  template,
  text,
  video,
  waFlow,
} from '#core/model/send-builders/index.ts';
import { wordsOfSend } from '#core/model/words-of-send.ts';
import { ada, cards, choices, file, ids, link, refusalOf } from './samples.ts';

const bodies: [string, SendBody][] = [
  ['text', text('hi', { previewUrl: true })],
  ['image by id', image(file, { caption: 'a picture' })],
  ['image by link', image(link)],
  ['video', video(file, { caption: 'a film' })],
  ['audio', audio(file)],
  ['voice', audio(file, { voice: true })],
  ['document', document(file, { caption: 'the bill', filename: 'bill.pdf' })],
  ['sticker', sticker(file)],
  ['location', location({ latitude: -33.45, longitude: -70.66, name: 'Shop', address: 'Street 1' })],
  ['contacts', contacts([{ ...ada, phones: [{ phone: '+1 555' }], birthday: '1815-12-10' }])],
  ['reaction', reaction({ wamid: 'wamid.A', emoji: '👍🏽' })],
  ['reaction taken back', reaction({ wamid: 'wamid.A', emoji: '' })],
  ['buttons', buttons({ body: 'Which?', buttons: choices(3) })],
  ['buttons with text', buttons({ header: 'Top', body: 'Which?', footer: 'below', buttons: choices(1) })],
  ['buttons with image', buttons({ header: { image: file }, body: 'Which?', buttons: choices(1) })],
  ['buttons with video', buttons({ header: { video: link }, body: 'Which?', buttons: choices(1) })],
  [
    'buttons with document',
    buttons({ header: { document: file, filename: 'a.pdf' }, body: 'Which?', buttons: choices(1) }),
  ],
  ['list of rows', list({ body: 'Which?', button: 'Open', rows: choices(10) })],
  [
    'list of sections',
    list({
      header: 'Top',
      body: 'Which?',
      footer: 'below',
      button: 'Open',
      sections: [
        { title: 'One', rows: choices(2) },
        { title: 'Two', rows: [{ id: 'x', title: 'X', description: 'the last' }] },
      ],
    }),
  ],
  ['cta url', ctaUrl({ body: 'Pay', displayText: 'Checkout', url: 'https://example.com/pay?x=1' })],
  ['waFlow at a screen', waFlow({ body: 'b', cta: 'Open', waFlowId: '1', opens: { screen: 'A', data: {} } })],
  [
    'waFlow by name',
    waFlow({ body: 'b', cta: 'Open', waFlowName: 'n', waFlowToken: 't', draft: true, opens: 'dataExchange' }),
  ],
  ['carousel of buttons', carousel({ body: 'b', cards: cards(2) })],
  [
    'carousel of pages',
    carousel({
      body: 'b',
      cards: ids(10).map(() => ({ header: { video: file }, displayText: 'Go', url: 'https://a.example' })),
    }),
  ],
  ['product', product({ catalogId: 'c', productId: 'p' })],
  ['product with words', product({ catalogId: 'c', productId: 'p', body: 'b', footer: 'f' })],
  ['products', products({ catalogId: 'c', header: 'Top', body: 'b', sections: [{ productIds: ids(30) }] })],
  ['catalog', catalog({ body: 'b', footer: 'f', thumbnailProductId: 'p' })],
  ['location request', locationRequest('Where are you?')],
  ['contact info request', contactInfoRequest('May we have your number?')],
  ['call permission request', callPermissionRequest('May we call?')],
  ['bare template', template({ name: 'hello_world', language: 'en_US' })],
  [
    'template with words in order',
    template({
      name: 'order_ready',
      language: 'es',
      header: { document: file, filename: 'bill.pdf' },
      body: ['Ada', '17'],
      buttons: [
        { index: 0, payload: 'yes' },
        { index: 1, urlSuffix: 'o/17' },
        { index: 2, couponCode: 'TEN' },
      ],
    }),
  ],
  [
    'template with named words',
    template({ name: 'n', language: 'es', header: { image: 'a word called image' }, body: { who: 'Ada' } }),
  ],
];

test.each(bodies)('the look-alike takes %s, and it has words for a history', (_, body) => {
  expect(refusalOf(body)).toBeNull();
  expect(wordsOfSend(body)).not.toBe('');
});
