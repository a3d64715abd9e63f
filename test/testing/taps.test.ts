/** Buttons and lists, as a bot sends them by Graph and a customer sees and taps them. */
import { afterEach, expect, test } from 'vitest';
import { type Bot, startBot } from '#testing/index.ts';

let bot: Bot;
afterEach(() => bot.stop());

const number = '106540352242920';

async function sends(to: string, interactive: object): Promise<void> {
  const request = bot.world.http.request({
    purpose: null,
    method: 'POST',
    url: `http://graph.test/v26.0/${number}/messages`,
    headers: { authorization: 'Bearer token of the test', 'content-type': 'application/json' },
    body: JSON.stringify({ messaging_product: 'whatsapp', to, type: 'interactive', interactive }),
    timeoutMs: 10_000,
  });
  await bot.sim.clock.advance(1);
  expect((await request).status).toBe(200);
}

const buttons = (text: string, ...titles: string[]) => ({
  type: 'button',
  body: { text },
  action: {
    buttons: titles.map((title, index) => ({ type: 'reply', reply: { id: `${text} ${index}`, title } })),
  },
});

const list = (text: string, ...titles: string[]) => ({
  type: 'list',
  body: { text },
  action: {
    button: 'Choose',
    sections: [
      { rows: titles.map((title, index) => ({ id: `row ${index}`, title, description: `No. ${index}` })) },
    ],
  },
});

test('a customer taps the newest button or row with a title that she can see', async () => {
  bot = await startBot({ reply: () => 'fine' });
  const ana = bot.sim.contact('Ana');
  await ana.says('hello');
  await ana.sees('fine');
  const { phone } = await ana.contact();
  await expect(ana.taps('Generate')).rejects.toThrow(
    /^Ana sees no button or list row "Generate": no message/,
  );

  await sends(phone!, buttons('first', 'Generate', 'Cancel'));
  await expect(ana.taps('Generate')).rejects.toThrow(/no message that has reached her has any/);
  await ana.sees({ buttons: ['Generate', /^Can/] });
  await sends(phone!, buttons('second', 'Generate', 'Later'));
  const second = await ana.sees({ text: 'second', buttons: ['Later'] });
  expect([second.buttons, second.rows]).toEqual([['Generate', 'Later'], []]);
  const tapped = await ana.taps('Generate');
  expect(tapped).toMatchObject({
    type: 'interactive',
    text: 'Generate',
    replyTo: second.wamid,
    body: { type: 'button_reply', button_reply: { id: 'second 0', title: 'Generate' } },
  });
  await expect(ana.taps('generate')).rejects.toThrow(
    /can tap, oldest first: "Generate" \(button\), "Cancel" \(button\), "Later" \(button\)\.$/,
  );

  await sends(phone!, list('which?', 'Roses', 'Lilies'));
  await ana.sees({ rows: ['Roses', 'Lilies'] });
  expect((await ana.chooses(/^Lil/)).body).toEqual({
    type: 'list_reply',
    list_reply: { id: 'row 1', title: 'Lilies', description: 'No. 1' },
  });
  await expect(ana.chooses('Later')).rejects.toThrow(/sees no list row "Later"/);
  await ana.taps('Roses');
  await ana.taps('Cancel');
});

test('a quick reply under a template is tapped by its title', async () => {
  bot = await startBot({ reply: (asked) => asked.join() });
  const ana = bot.sim.contact('Ana');
  await ana.says('hello');
  await ana.sees('hello');
  const buttons = ['Yes, please', 'No'].map((text) => ({ type: 'QUICK_REPLY', text }));
  await bot.sim.control.drive('POST', '/templates', {
    wabaId: '102290129340398',
    name: 'order_ready',
    components: [
      { type: 'BODY', text: 'Order {{1}} is ready. Send it?', example: { body_text: [['17']] } },
      { type: 'BUTTONS', buttons },
    ],
  });
  const { phone } = await ana.contact();
  const request = bot.world.http.request({
    ...{ purpose: null, method: 'POST', timeoutMs: 10_000 },
    url: `http://graph.test/v26.0/${number}/messages`,
    headers: { authorization: 'Bearer token of the test' },
    body: JSON.stringify({
      ...{ messaging_product: 'whatsapp', to: phone, type: 'template' },
      template: {
        name: 'order_ready',
        language: { code: 'en_US' },
        components: [
          { type: 'body', parameters: [{ type: 'text', text: '42' }] },
          {
            type: 'button',
            sub_type: 'quick_reply',
            index: '0',
            parameters: [{ type: 'payload', payload: 'send' }],
          },
        ],
      },
    }),
  });
  const template = await ana.sees({ text: 'Order 42 is ready. Send it?', buttons: ['No'] });
  expect((await request).status).toBe(200);
  expect(template.buttons).toEqual(['Yes, please', 'No']);
  const tapped = await ana.taps('Yes, please');
  expect(tapped).toMatchObject({ type: 'button', body: { payload: 'send', text: 'Yes, please' } });
  expect(tapped.replyTo).toBe(template.wamid);
});

test('what the owner writes on their own phone is seen, too', async () => {
  bot = await startBot({ reply: () => 'fine' });
  const ana = bot.sim.contact('Ana');
  await ana.says('hello');
  await ana.sees('fine');
  const { id } = await ana.contact();
  await bot.sim.control.echo({ phoneNumberId: number, contact: id, text: 'The owner here.' });
  await ana.sees('The owner here.');
});

test('a customer who gets another number goes on with her conversation', async () => {
  bot = await startBot({ reply: (asked) => asked.join() });
  const ana = bot.sim.contact('Ana', { userId: 'US.13491208655302741918' });
  await ana.says('before');
  await ana.sees('before');
  await ana.changesAddress({ phone: '16505550199' });
  await bot.sim.clock.advance(1_000);
  await ana.says('after');
  await ana.sees('after');
  expect(
    await bot.store.findConversation({ tenantId: 'test', phoneNumberId: number, address: '16505550199' }),
  ).not.toBe(null);
});
