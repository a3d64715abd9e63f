import { describe, expect, it } from 'vitest';
import {
  approved,
  ask,
  body,
  create,
  DAY_MS,
  draft,
  errorOf,
  order,
  read,
  send,
  told,
  withParts,
} from './template-stage.ts';
import {
  answerJson,
  createOpenConversation,
  createVirtualMeta,
  type VirtualMeta,
  WABA_ID,
} from './virtual-meta.ts';

describe('creating a template', () => {
  it('leaves it pending, and approves it after a while, which a webhook tells', () => {
    const virtual = createVirtualMeta();
    const made = read(create(virtual));
    expect(made).toEqual({ id: expect.any(String), status: 'PENDING', category: 'UTILITY' });
    virtual.run(60_000);
    expect(told(virtual, 'message_template_status_update')).toEqual([
      {
        event: 'APPROVED',
        message_template_id: Number(made.id),
        message_template_name: 'order_ready',
        message_template_language: 'en_US',
        reason: 'NONE',
        message_template_category: 'UTILITY',
      },
    ]);
    expect(read(ask(virtual, {}, 'GET', `/v26.0/${made.id}`))).toMatchObject({
      id: made.id,
      status: 'APPROVED',
      components: order.components,
    });
  });
});

const quick = (label: string) => ({ type: 'QUICK_REPLY', text: label });
const url = (more: object = {}) => ({ type: 'URL', text: 'Go', url: 'https://example.com', ...more });

const taken: Array<[string, object]> = [
  [
    'a header, a footer and buttons',
    withParts(
      { type: 'HEADER', format: 'TEXT', text: 'Hi' },
      { type: 'FOOTER', text: 'Bye' },
      { type: 'BUTTONS', buttons: [quick('a'), quick('b'), url()] },
    ),
  ],
  ['a picture', withParts({ type: 'HEADER', format: 'IMAGE', example: { header_handle: ['4::a'] } })],
  [
    'named variables',
    draft({
      parameter_format: 'NAMED',
      components: [
        {
          type: 'BODY',
          text: 'Hello {{name}}!',
          example: { body_text_named_params: [{ param_name: 'name', example: 'Ana' }] },
        },
      ],
    }),
  ],
  [
    'an open link',
    withParts({
      type: 'BUTTONS',
      buttons: [url({ url: 'https://example.com/{{1}}', example: ['https://example.com/a'] })],
    }),
  ],
  [
    'a code',
    draft({
      category: 'AUTHENTICATION',
      components: [
        { type: 'BODY', add_security_recommendation: true },
        { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE' }] },
      ],
    }),
  ],
];

const refused: Array<[string, object, number | undefined]> = [
  ['no name', draft({ name: undefined }), undefined],
  ['a name in capitals', draft({ name: 'Order Ready' }), undefined],
  ['a language that is none', draft({ language: 'English' }), undefined],
  ['a category of its own', draft({ category: 'CHAT' }), undefined],
  ['no components', draft({ components: [] }), undefined],
  ['no body', draft({ components: [{ type: 'FOOTER', text: 'x' }] }), 2388043],
  ['two bodies', draft({ components: [body('a'), body('b')] }), 2388042],
  ['a long body', draft({ components: [body('x'.repeat(1_025))] }), 2388040],
  ['a long header', withParts({ type: 'HEADER', format: 'TEXT', text: 'x'.repeat(61) }), 2388040],
  ['a long footer', withParts({ type: 'FOOTER', text: 'x'.repeat(61) }), 2388040],
  ['no examples', draft({ components: [body('Hello {{1}}!')] }), 2388043],
  ['a variable at its end', draft({ components: [body('Hello {{1}}', ['Ana'])] }), 2388299],
  ['variables out of order', draft({ components: [body('Hello {{2}} and {{1}}!', ['a', 'b'])] }), 2388072],
  ['a variable in the footer', withParts({ type: 'FOOTER', text: 'For {{1}} only' }), 2388073],
  ['bold in the header', withParts({ type: 'HEADER', format: 'TEXT', text: '*Hi*' }), 2388047],
  ['a picture without a sample', withParts({ type: 'HEADER', format: 'IMAGE' }), 2388043],
  ['three links', withParts({ type: 'BUTTONS', buttons: [url(), url(), url()] }), 2388042],
  ['a long button', withParts({ type: 'BUTTONS', buttons: [quick('x'.repeat(26))] }), 2388042],
  ['quick replies apart', withParts({ type: 'BUTTONS', buttons: [quick('a'), url(), quick('b')] }), 2388042],
  [
    'an open link without a sample',
    withParts({ type: 'BUTTONS', buttons: [url({ url: 'https://example.com/{{1}}' })] }),
    2388043,
  ],
  [
    'a code outside of its category',
    withParts({ type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE' }] }),
    2388042,
  ],
  ['an unknown component', withParts({ type: 'SOUND' }), 2388042],
];

describe('the components of a template', () => {
  it.each(taken)('takes %s', (_name, given) => {
    expect(read(create(createVirtualMeta(), given))).toMatchObject({ status: 'PENDING' });
  });

  it.each(refused)('refuses %s', (_name, given, subcode) => {
    const error = errorOf(create(createVirtualMeta(), given));
    expect([error?.code, error?.error_subcode]).toEqual([100, subcode]);
    expect(error?.error_user_title === undefined).toBe(subcode === undefined);
  });
});

describe('a name', () => {
  it('is refused a second time in the same language, and taken in another', () => {
    const virtual = createVirtualMeta();
    create(virtual);
    expect(errorOf(create(virtual))?.error_subcode).toBe(2388024);
    expect(read(create(virtual, draft({ language: 'de' })))).toMatchObject({ status: 'PENDING' });
  });
});

describe('the list of templates', () => {
  function shelf(): VirtualMeta {
    const virtual = createVirtualMeta({ publicUrl: 'http://sim.test' });
    for (let index = 0; index < 5; index += 1) {
      approved(virtual, [body(`Number ${index}.`)], {
        name: `list_${index}`,
        category: index % 2 === 0 ? 'UTILITY' : 'MARKETING',
        status: index === 4 ? 'PAUSED' : 'APPROVED',
      });
    }
    return virtual;
  }
  const names = (virtual: VirtualMeta, query: Record<string, string>) =>
    read(ask(virtual, query)).data?.map(({ name }) => name);

  it('has hello_world in every WABA', () => {
    expect(names(createVirtualMeta(), {})).toEqual(['hello_world']);
  });

  it('is filtered', () => {
    const virtual = shelf();
    expect(names(virtual, { name: 'list_', category: 'MARKETING' })).toEqual(['list_1', 'list_3']);
    expect(names(virtual, { status: '["PAUSED","REJECTED"]' })).toEqual(['list_4']);
    expect(names(virtual, { language: 'de' })).toEqual([]);
    expect(names(virtual, { name_or_content: 'number 2' })).toEqual(['list_2']);
  });

  it('is cut to the asked fields, and knows which there are', () => {
    const virtual = shelf();
    expect(read(ask(virtual, { fields: 'name,status', limit: '1' })).data).toEqual([
      { id: expect.any(String), name: 'hello_world', status: 'APPROVED' },
    ]);
    expect(errorOf(ask(virtual, { fields: 'colour' }))).toMatchObject({
      code: 100,
      message: '(#100) Tried accessing nonexisting field (colour) on node type (MessageTemplate)',
    });
  });

  it('comes in pages, forth and back', () => {
    const virtual = shelf();
    const seen: unknown[] = [];
    let page = read(ask(virtual, { limit: '4' }));
    seen.push(page.data?.length);
    expect(page.paging?.next).toMatch(/^http:\/\/sim\.test\/v26\.0\/.*limit=4.*after=/);
    page = read(ask(virtual, { limit: '4', after: page.paging!.cursors.after }));
    seen.push(page.data?.length, page.paging?.next);
    expect(seen).toEqual([4, 2, undefined]);
    const back = read(ask(virtual, { limit: '4', before: page.paging!.cursors.before }));
    expect(back.data?.map(({ name }) => name)).toEqual(['hello_world', 'list_0', 'list_1', 'list_2']);
    expect(errorOf(ask(virtual, { after: 'nonsense' }))?.code).toBe(131059);
    expect(errorOf(ask(virtual, { limit: '-1' }))?.code).toBe(100);
  });
});

describe('deleting and editing', () => {
  it('deletes all languages by name, one by id, and keeps the name for 30 days', () => {
    const virtual = createVirtualMeta();
    const english = read(create(virtual)).id ?? '';
    create(virtual, draft({ language: 'de' }));
    expect(read(ask(virtual, { name: order.name, hsm_id: english }, 'DELETE'))).toEqual({ success: true });
    expect(virtual.meta.moderation.templates(WABA_ID).map(({ language }) => language)).toEqual([
      'en_US',
      'de',
    ]);
    expect(read(ask(virtual, { name: order.name }, 'DELETE'))).toEqual({ success: true });
    expect(errorOf(ask(virtual, { name: order.name }, 'DELETE'))?.error_subcode).toBe(2593002);
    expect(errorOf(create(virtual))?.error_subcode).toBe(2388023);
    virtual.run(30 * DAY_MS);
    expect(read(create(virtual))).toMatchObject({ status: 'PENDING' });
    virtual.run(60_000);
    expect(told(virtual, 'message_template_status_update')).toHaveLength(1);
  });

  it('reviews an edited one again', () => {
    const virtual = createOpenConversation();
    const id = approved(virtual, [body('Old.')]);
    const path = `/v26.0/${id}`;
    const edited = { components: [body('New words.'), { type: 'FOOTER', text: 'f' }] };
    expect(read(virtual.post(edited, { path }))).toEqual({ success: true });
    expect(errorOf(send(virtual, 'given'))?.code).toBe(132001);
    expect(errorOf(virtual.post(edited, { path }))?.message).toContain('PENDING');
    virtual.run(60_000);
    expect(answerJson(send(virtual, 'given')).status).toBe(200);
    expect(told(virtual, 'message_template_components_update')).toMatchObject([
      { message_template_element: 'New words.', message_template_footer: 'f' },
    ]);
    expect(errorOf(virtual.post({ components: [] }, { path }))?.error_subcode).toBe(2388043);
  });
});

describe('what Meta decides', () => {
  it.each([
    ['PENDING', 132001, 404],
    ['REJECTED', 132001, 404],
    ['PAUSED', 132015, 400],
    ['DISABLED', 132016, 400],
    ['FLAGGED', undefined, 200],
  ] as const)('%s: a send is answered %s', (status, code, httpStatus) => {
    const virtual = createOpenConversation();
    const id = approved(virtual, [body('Hello.')]);
    virtual.meta.moderation.changeTemplate(id, { status }, virtual.nowMs);
    const answer = send(virtual, 'given');
    expect([answerJson(answer).status, errorOf(answer)?.code]).toEqual([httpStatus, code]);
    virtual.run(0);
    expect(told(virtual, 'message_template_status_update')).toMatchObject([{ event: status }]);
    virtual.meta.moderation.changeTemplate(id, { status: 'APPROVED' }, virtual.nowMs);
    expect(answerJson(send(virtual, 'given')).status).toBe(200);
  });

  it('tells the reason of a rejection, quality and category, and what did not change not at all', () => {
    const virtual = createVirtualMeta({ rules: { templateReview: 'manual' } });
    const id = read(create(virtual)).id ?? '';
    virtual.run(DAY_MS);
    expect(virtual.meta.moderation.templates(WABA_ID).at(-1)?.status).toBe('PENDING');
    const change = (given: object) => virtual.meta.moderation.changeTemplate(id, given, virtual.nowMs);
    change({ status: 'REJECTED', reason: 'ABUSIVE_CONTENT' });
    change({ quality: 'RED', category: 'MARKETING' });
    change({ quality: 'RED', category: 'MARKETING', status: 'REJECTED' });
    virtual.run(0);
    expect(told(virtual, 'message_template_status_update')).toMatchObject([
      { event: 'REJECTED', reason: 'ABUSIVE_CONTENT' },
    ]);
    expect(told(virtual, 'message_template_quality_update')).toMatchObject([
      { previous_quality_score: 'UNKNOWN', new_quality_score: 'RED', message_template_id: Number(id) },
    ]);
    expect(told(virtual, 'template_category_update')).toMatchObject([
      { previous_category: 'UTILITY', new_category: 'MARKETING' },
    ]);
    expect(() => change({ status: 'FINE' })).toThrow('"status" must be one of');
    expect(() => change({ colour: 'RED' })).toThrow('"colour" cannot be changed');
  });
});
