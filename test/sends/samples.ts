/** What the tests of builders share: files, choices, and the look-alike's word on a body. */
import type { SendBody, SendFile } from '#core/model/send-bodies.ts';
import { BadSend } from '#core/model/send-builders/index.ts';
import { parseMessageBody } from '#simulator/sending/body.ts';

export const file: SendFile = { id: '1013859600285441' };
export const link: SendFile = { link: 'https://example.com/a.png' };
export const chars = (count: number) => '😀'.repeat(count);
export const ids = (count: number) => Array.from({ length: count }, (_, index) => `id-${index}`);
export const choices = (count: number) => ids(count).map((id) => ({ id, title: `T ${id}` }));
export const cards = (count: number) =>
  ids(count).map(() => ({ header: { image: file }, body: 'card', buttons: choices(2) }));
export const ada = { name: { formatted_name: 'Ada Lovelace', first_name: 'Ada' } };

/** What the look-alike says against a body, or null where it takes it. */
export function refusalOf(body: SendBody): unknown {
  const parsed = parseMessageBody({ messaging_product: 'whatsapp', to: '+16505551234', ...body });
  return parsed.kind === 'refused' ? parsed.refusal : null;
}

export function badSendOf(build: () => unknown): BadSend {
  try {
    build();
  } catch (error) {
    if (error instanceof BadSend) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}
