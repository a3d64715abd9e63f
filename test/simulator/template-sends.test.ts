import { describe, expect, it } from 'vitest';
import { approved, body, DAY_MS, errorOf, send, text } from './template-stage.ts';
import {
  answerJson,
  createOpenConversation,
  createVirtualMeta,
  NUMBER_ID,
  PHONE,
  type VirtualMeta,
  WABA_ID,
} from './virtual-meta.ts';

describe('sending a template', () => {
  const code = (answer: ReturnType<VirtualMeta['post']>) => errorOf(answer)?.code;

  it('reaches a closed window with the filled text, at the price of its category', () => {
    const virtual = createOpenConversation();
    approved(virtual, [body('Hello {{1}}, order {{2}} is ready.')], { category: 'MARKETING' });
    virtual.run(2 * DAY_MS);
    virtual.received.length = 0;
    expect(answerJson(send(virtual, 'given', [text('Ana', '17')])).body).toMatchObject({
      messages: [{ message_status: 'accepted' }],
    });
    virtual.run(60_000);
    expect(virtual.statuses()[0]).toMatchObject({ status: 'sent', pricing: { category: 'marketing' } });
    expect(virtual.meta.accepted[0]?.text).toBe('Hello Ana, order 17 is ready.');
  });

  it('names the template that is missing, and the number of parameters', () => {
    const virtual = createOpenConversation();
    expect(errorOf(send(virtual, 'nobody'))).toMatchObject({
      code: 132001,
      message: '(#132001) Template name does not exist in the translation',
      error_data: { details: 'template name (nobody) does not exist in en_US' },
    });
    approved(virtual, [body('Hello {{1}} and {{2}}.')]);
    expect(errorOf(send(virtual, 'given', [text('Ana')]))).toMatchObject({
      code: 132000,
      error_data: {
        details: 'body: number of localizable_params (1) does not match the expected number of params (2)',
      },
    });
    expect(virtual.meta.accepted).toHaveLength(0);
  });

  const picture = {
    type: 'header',
    parameters: [{ type: 'image', image: { link: 'https://example.com/a.png' } }],
  };
  const open = (index: number, ...parameters: object[]) => ({
    type: 'button',
    sub_type: 'url',
    index: String(index),
    parameters,
  });
  const path = { type: 'text', text: 'a' };
  const photo = { type: 'HEADER', format: 'IMAGE' };
  const link = { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Go', url: 'https://example.com/{{1}}' }] };
  const plain = [body('Hello.')];
  const one = [body('Hello {{1}}.')];
  it.each<[string, object[], object[] | undefined, number | undefined]>([
    ['nothing where nothing is asked', plain, undefined, undefined],
    ['a picture', [photo, ...plain], [picture], undefined],
    ['no picture', [photo, ...plain], undefined, 132012],
    ['a text for a picture', [photo, ...plain], [{ type: 'header', parameters: [path] }], 132012],
    ['a picture for a text', one, [{ type: 'body', parameters: picture.parameters }], 132012],
    ['too many', plain, [text('a')], 132000],
    ['an empty text', one, [text('')], 131008],
    ['a text of two lines', one, [text('a\nb')], 132018],
    ['a text that makes it too long', one, [text('x'.repeat(1_024))], 132005],
    ['the rest of a link', [...plain, link], [open(0, path)], undefined],
    ['no rest of a link', [...plain, link], undefined, 131008],
    ['a button that is not there', plain, [open(0, path)], 132018],
    ['a button of another kind', [...plain, link], [{ ...open(0, path), sub_type: 'quick_reply' }], 132012],
    ['a parameter without a type', one, [{ type: 'body', parameters: [{ text: 'a' }] }], 100],
    ['a component of its own', plain, [{ type: 'sound' }], 131009],
  ])('given %s', (_name, components, given, expected) => {
    const virtual = createOpenConversation();
    approved(virtual, components);
    expect(code(send(virtual, 'given', given))).toBe(expected);
  });

  it('wants names where the template has names', () => {
    const virtual = createOpenConversation();
    approved(virtual, [body('Hello {{name}}.')], { parameterFormat: 'NAMED' });
    const named = (parameter_name?: string) => [
      {
        type: 'body',
        parameters: [{ type: 'text', text: 'Ana', ...(parameter_name ? { parameter_name } : {}) }],
      },
    ];
    expect(code(send(virtual, 'given', named()))).toBe(100);
    expect(code(send(virtual, 'given', named('surname')))).toBe(132018);
    expect(code(send(virtual, 'given', named('name')))).toBeUndefined();
    expect(virtual.meta.accepted.map((each) => each.text)).toEqual(['Hello Ana.']);
  });

  it('sends a code to a phone and not to a BSUID', () => {
    const virtual = createVirtualMeta();
    const otp = [{ type: 'BODY' }, { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE' }] }];
    approved(virtual, otp, { category: 'AUTHENTICATION' });
    const given = [text('1234'), open(0, { type: 'text', text: '1234' })];
    expect(code(send(virtual, 'given', given, { to: undefined, recipient: 'US.13491208655302741918' }))).toBe(
      131062,
    );
    expect(code(send(virtual, 'given', given))).toBeUndefined();
  });

  it('of a paced template is held, then sent, or dropped with the template', () => {
    const virtual = createOpenConversation();
    const id = approved(virtual, plain);
    const change = (given: object) => virtual.meta.moderation.changeTemplate(id, given, virtual.nowMs);
    change({ isPaced: true });
    expect(answerJson(send(virtual, 'given')).body).toMatchObject({
      messages: [{ message_status: 'held_for_quality_assessment' }],
    });
    virtual.run(59_999);
    expect(virtual.statuses()).toEqual([]);
    virtual.run(30_000);
    expect(virtual.statuses()[0]).toMatchObject({ status: 'sent' });
    virtual.received.length = 0;
    send(virtual, 'given');
    change({ status: 'PAUSED' });
    virtual.run(90_000);
    expect(virtual.statuses()).toMatchObject([{ status: 'failed', errors: [{ code: 132015 }] }]);
  });

  it('is told apart by WABA', () => {
    const virtual = createVirtualMeta({
      phoneNumbers: [
        { id: NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3881' },
        { id: '2', wabaId: '3', displayNumber: '+1 555 078 3882' },
      ],
    });
    approved(virtual, plain);
    const path2 = '/v26.0/2/messages';
    const template = { name: 'given', language: { code: 'en_US' } };
    const message = { messaging_product: 'whatsapp', to: PHONE, type: 'template', template };
    expect(code(virtual.post(message, { path: path2 }))).toBe(132001);
    expect(code(virtual.post(message))).toBeUndefined();
  });
});
