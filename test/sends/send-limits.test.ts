/**
 * At each limit a body is built, and the look-alike takes it; one more is refused here, with the field and the limit,
 * before it could be refused there.
 */
import { describe, expect, test } from 'vitest';
import type { SendBody, SendFile } from '#core/model/send-bodies.ts';
import {
  buttons,
  carousel,
  contacts,
  ctaUrl,
  document,
  image,
  list,
  location,
  product,
  products,
  reaction,
  sticker,
  template,
  text,
  video,
  waFlow,
} from '#core/model/send-builders/index.ts';
import { ada, badSendOf, cards, chars, choices, file, ids, link, refusalOf } from './samples.ts';

interface Limit {
  field: string;
  max: number;
  build: (size: number) => SendBody;
}

const row = { id: 'a', title: 'A' };
const limited: Limit[] = [
  { field: 'text.body', max: 4_096, build: (n) => text(chars(n)) },
  { field: 'image.caption', max: 1_024, build: (n) => image(file, { caption: chars(n) }) },
  { field: 'video.caption', max: 1_024, build: (n) => video(file, { caption: chars(n) }) },
  { field: 'document.caption', max: 1_024, build: (n) => document(file, { caption: chars(n) }) },
  { field: 'document.filename', max: 240, build: (n) => document(file, { filename: 'a'.repeat(n) }) },
  {
    field: 'location.name',
    max: 1_000,
    build: (n) => location({ latitude: 0, longitude: 0, name: chars(n) }),
  },
  { field: 'location.latitude', max: 90, build: (n) => location({ latitude: n, longitude: 0 }) },
  { field: 'location.longitude', max: 180, build: (n) => location({ latitude: 0, longitude: -n }) },
  { field: 'contacts', max: 257, build: (n) => contacts(ids(n).map(() => ada)) },
  {
    field: 'contacts[0].name.formatted_name',
    max: 1_000,
    build: (n) => contacts([{ name: { formatted_name: chars(n), first_name: 'A' } }]),
  },
  {
    field: 'interactive.body.text',
    max: 1_024,
    build: (n) => buttons({ body: chars(n), buttons: choices(1) }),
  },
  {
    field: 'interactive.header.text',
    max: 60,
    build: (n) => buttons({ header: chars(n), body: 'b', buttons: choices(1) }),
  },
  {
    field: 'interactive.footer.text',
    max: 60,
    build: (n) => buttons({ body: 'b', footer: chars(n), buttons: choices(1) }),
  },
  { field: 'interactive.action.buttons', max: 3, build: (n) => buttons({ body: 'b', buttons: choices(n) }) },
  {
    field: 'interactive.action.buttons[0].reply.id',
    max: 256,
    build: (n) => buttons({ body: 'b', buttons: [{ id: chars(n), title: 'A' }] }),
  },
  {
    field: 'interactive.action.buttons[0].reply.title',
    max: 20,
    build: (n) => buttons({ body: 'b', buttons: [{ id: 'a', title: chars(n) }] }),
  },
  {
    field: 'interactive.body.text',
    max: 4_096,
    build: (n) => list({ body: chars(n), button: 'o', rows: [row] }),
  },
  {
    field: 'interactive.action.button',
    max: 20,
    build: (n) => list({ body: 'b', button: chars(n), rows: [row] }),
  },
  {
    field: 'interactive.action.sections[].rows',
    max: 10,
    build: (n) => list({ body: 'b', button: 'o', rows: choices(n) }),
  },
  {
    field: 'interactive.action.sections',
    max: 10,
    build: (n) =>
      list({ body: 'b', button: 'o', sections: choices(n).map((each) => ({ title: 't', rows: [each] })) }),
  },
  {
    field: 'interactive.action.sections[0].title',
    max: 24,
    build: (n) => list({ body: 'b', button: 'o', sections: [{ title: chars(n), rows: [row] }] }),
  },
  {
    field: 'interactive.action.sections[0].rows[0].id',
    max: 200,
    build: (n) => list({ body: 'b', button: 'o', rows: [{ id: chars(n), title: 'A' }] }),
  },
  {
    field: 'interactive.action.sections[0].rows[0].title',
    max: 24,
    build: (n) => list({ body: 'b', button: 'o', rows: [{ id: 'a', title: chars(n) }] }),
  },
  {
    field: 'interactive.action.sections[0].rows[0].description',
    max: 72,
    build: (n) => list({ body: 'b', button: 'o', rows: [{ ...row, description: chars(n) }] }),
  },
  {
    field: 'interactive.action.parameters.display_text',
    max: 20,
    build: (n) => ctaUrl({ body: 'b', displayText: chars(n), url: 'https://a.example' }),
  },
  {
    field: 'interactive.action.parameters.url',
    max: 2_000,
    build: (n) => ctaUrl({ body: 'b', displayText: 'Go', url: 'https://a.example/'.padEnd(n, 'x') }),
  },
  {
    field: 'interactive.action.parameters.flow_cta',
    max: 20,
    build: (n) => waFlow({ body: 'b', cta: chars(n), waFlowId: '1' }),
  },
  {
    field: 'interactive.action.parameters.flow_token',
    max: 4_096,
    build: (n) => waFlow({ body: 'b', cta: 'Go', waFlowId: '1', waFlowToken: chars(n) }),
  },
  { field: 'interactive.action.cards', max: 10, build: (n) => carousel({ body: 'b', cards: cards(n) }) },
  {
    field: 'interactive.action.cards[0].body.text',
    max: 160,
    build: (n) => carousel({ body: 'b', cards: cards(2).map((card) => ({ ...card, body: chars(n) })) }),
  },
  {
    field: 'interactive.action.cards[0].action.buttons',
    max: 3,
    build: (n) => carousel({ body: 'b', cards: cards(2).map((card) => ({ ...card, buttons: choices(n) })) }),
  },
  {
    field: 'interactive.action.sections[].product_items',
    max: 30,
    build: (n) => products({ catalogId: 'c', header: 'h', body: 'b', sections: [{ productIds: ids(n) }] }),
  },
  {
    field: 'interactive.action.catalog_id',
    max: 200,
    build: (n) => product({ catalogId: chars(n), productId: 'p' }),
  },
  { field: 'template.name', max: 512, build: (n) => template({ name: 'a'.repeat(n), language: 'es' }) },
  {
    field: 'template.language.code',
    max: 15,
    build: (n) => template({ name: 'a', language: 'e'.repeat(n) }),
  },
  {
    field: 'template.body[0]',
    max: 1_024,
    build: (n) => template({ name: 'a', language: 'es', body: [chars(n)] }),
  },
  {
    field: 'template.buttons[].urlSuffix',
    max: 2,
    build: (n) =>
      template({
        name: 'a',
        language: 'es',
        buttons: ids(n).map((urlSuffix, index) => ({ index, urlSuffix })),
      }),
  },
  {
    field: 'template.buttons[].couponCode',
    max: 1,
    build: (n) =>
      template({
        name: 'a',
        language: 'es',
        buttons: ids(n).map((couponCode, index) => ({ index, couponCode })),
      }),
  },
  {
    field: 'template.components',
    max: 10,
    build: (n) =>
      template({
        name: 'a',
        language: 'es',
        buttons: ids(n).map((payload, index) => ({ index: index % 10, payload })),
      }),
  },
];

describe('limits', () => {
  test.each(limited)('$field takes $max, which the look-alike accepts, and not one more', (limit) => {
    expect(refusalOf(limit.build(limit.max))).toBeNull();
    const bad = badSendOf(() => limit.build(limit.max + 1));
    expect(bad).toMatchObject({ field: limit.field, limit: limit.max });
    expect(Math.abs(bad.actual ?? 0)).toBe(limit.max + 1);
    expect(bad.message).not.toContain('😀');
  });
});

const wrong: [string, string, () => SendBody][] = [
  [
    'an empty title',
    'interactive.action.buttons[0].reply.title',
    () => buttons({ body: 'b', buttons: [{ id: 'a', title: ' ' }] }),
  ],
  ['no button', 'interactive.action.buttons', () => buttons({ body: 'b', buttons: [] })],
  [
    'two equal ids',
    'interactive.action.buttons[].reply.id',
    () =>
      buttons({
        body: 'b',
        buttons: [
          { id: 'a', title: 'A' },
          { id: 'a', title: 'B' },
        ],
      }),
  ],
  [
    'two equal titles',
    'interactive.action.buttons[].reply.title',
    () =>
      buttons({
        body: 'b',
        buttons: [
          { id: 'a', title: 'A' },
          { id: 'b', title: 'A ' },
        ],
      }),
  ],
  [
    'an id that would change on its way',
    'interactive.action.buttons[0].reply.id',
    () => buttons({ body: 'b', buttons: [{ id: 'a\u0000', title: 'A' }] }),
  ],
  ['no row', 'interactive.action.sections', () => list({ body: 'b', button: 'o' })],
  [
    'two equal rows',
    'interactive.action.sections[].rows[].id',
    () => list({ body: 'b', button: 'o', rows: [row, row] }),
  ],
  [
    'a section without title beside another',
    'interactive.action.sections[1].title',
    () =>
      list({
        body: 'b',
        button: 'o',
        sections: [{ title: 't', rows: [row] }, { rows: [{ id: 'b', title: 'B' }] }],
      }),
  ],
  [
    'a section without rows',
    'interactive.action.sections[1].rows',
    () =>
      list({
        body: 'b',
        button: 'o',
        sections: [
          { title: 'a', rows: [row] },
          { title: 'b', rows: [] },
        ],
      }),
  ],
  [
    'two values for one button of a template',
    'template.buttons[].index',
    () =>
      template({
        name: 'a',
        language: 'es',
        buttons: [
          { index: 1, payload: 'x' },
          { index: 1, payload: 'y' },
        ],
      }),
  ],
  [
    'a picture above a list',
    'interactive.header',
    () => list({ header: { image: file }, body: 'b', button: 'o', rows: [row] }),
  ],
  [
    'no address',
    'interactive.action.parameters.url',
    () => ctaUrl({ body: 'b', displayText: 'Go', url: 'example.com' }),
  ],
  ['a script for an address', 'image.link', () => image({ link: 'javascript:alert(1)' })],
  ['neither id nor link', 'image', () => image({} as SendFile)],
  ['both id and link', 'sticker', () => sticker({ ...file, ...link })],
  ['a folder in a name', 'document.filename', () => document(file, { filename: '../a.pdf' })],
  ['no number', 'location.latitude', () => location({ latitude: Number.NaN, longitude: 0 })],
  ['no card', 'contacts', () => contacts([])],
  ['a name without parts', 'contacts[0].name', () => contacts([{ name: { formatted_name: 'Ada' } }])],
  ['no day', 'contacts[0].birthday', () => contacts([{ ...ada, birthday: '10.12.1815' }])],
  ['letters for a reaction', 'reaction.emoji', () => reaction({ wamid: 'wamid.A', emoji: 'a' })],
  ['a waFlow without name', 'interactive.action.parameters.flow_id', () => waFlow({ body: 'b', cta: 'Go' })],
  [
    'cards with different buttons',
    'interactive.action.cards',
    () => carousel({ body: 'b', cards: [...cards(1), { header: { image: file }, buttons: choices(1) }] }),
  ],
  ['one card', 'interactive.action.cards', () => carousel({ body: 'b', cards: cards(1) })],
  [
    'a section without products',
    'interactive.action.sections[1].product_items',
    () =>
      products({
        catalogId: 'c',
        header: 'h',
        body: 'b',
        sections: [
          { title: 'a', productIds: ['p'] },
          { title: 'b', productIds: [] },
        ],
      }),
  ],
  [
    'a line break in a parameter',
    'template.body.who',
    () => template({ name: 'a', language: 'es', body: { who: 'A\nB' } }),
  ],
  ['a capital in a template name', 'template.name', () => template({ name: 'Hello', language: 'es' })],
  [
    'an eleventh button',
    'template.buttons',
    () => template({ name: 'a', language: 'es', buttons: [{ index: 10, payload: 'x' }] }),
  ],
];

test.each(wrong)('%s is refused, naming %s', (_, field, build) => {
  const bad = badSendOf(build);
  expect(bad.field).toBe(field);
  expect(bad.message).toMatch(/^The field .+, so Meta would refuse the message\. .+/);
});
