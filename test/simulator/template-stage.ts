/** What the tests of templates share: making, asking for and sending them. */
import { answerJson, changesOf, PHONE, type VirtualMeta, WABA_ID } from './virtual-meta.ts';

export const DAY_MS = 24 * 3_600_000;
const EDGE = `/v26.0/${WABA_ID}/message_templates`;

interface Answered {
  id?: string;
  status?: string;
  success?: boolean;
  data?: Array<Record<string, unknown>>;
  paging?: { cursors: { before: string; after: string }; next?: string; previous?: string };
  error?: {
    code: number;
    message: string;
    error_subcode?: number;
    error_user_title?: string;
    error_data?: { details: string };
  };
}

export const read = (answer: ReturnType<VirtualMeta['post']>): Answered =>
  answerJson(answer).body as Answered;
export const errorOf = (answer: ReturnType<VirtualMeta['post']>) => read(answer).error;

export const body = (text: string, examples: string[] = []) => ({
  type: 'BODY',
  text,
  ...(examples.length > 0 ? { example: { body_text: [examples] } } : {}),
});
export const order = {
  name: 'order_ready',
  language: 'en_US',
  category: 'UTILITY',
  components: [body('Hello {{1}}, order {{2}} is ready.', ['Ana', '17'])],
};
export const draft = (more: object) => ({ ...order, ...more });
export const withParts = (...components: object[]) =>
  draft({ components: [body('Hello there.'), ...components] });

export const create = (virtual: VirtualMeta, given: object = order) => virtual.post(given, { path: EDGE });

export function ask(virtual: VirtualMeta, query: Record<string, string> = {}, method = 'GET', path = EDGE) {
  const headers = { authorization: 'Bearer token' };
  return virtual.meta.handle({ method, path, query, headers, body: '' }, virtual.nowMs);
}

/** A template that was reviewed long ago. */
export function approved(virtual: VirtualMeta, components: object[], more: object = {}): string {
  return virtual.meta.moderation.addTemplate({ wabaId: WABA_ID, name: 'given', components, ...more }).id;
}

export const send = (virtual: VirtualMeta, name: string, components?: object[], more: object = {}) =>
  virtual.post({
    messaging_product: 'whatsapp',
    to: PHONE,
    type: 'template',
    template: { name, language: { code: 'en_US' }, ...(components ? { components } : {}) },
    ...more,
  });
export const text = (...values: string[]) => ({
  type: 'body',
  parameters: values.map((value) => ({ type: 'text', text: value })),
});

/** The values of the account-level webhooks of a field. */
export const told = (virtual: VirtualMeta, field: string) =>
  virtual.received.flatMap((each) =>
    changesOf(each.text)
      .filter((change) => (change as unknown as { field: string }).field === field)
      .map((change) => change.value as unknown as Record<string, unknown>),
  );
