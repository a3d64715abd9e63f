/** How new sends travel to the database: what is JSON in a column goes as JSON text, which keeps every letter. */
import type { NewSend } from '#core/model/sends.ts';

export interface EncodedSend extends Omit<NewSend, 'body' | 'ifWindowClosed'> {
  body: string;
  ifWindowClosed?: string;
}

/** As `_insert_sends` of the database takes them. */
export function encodeSends(sends: readonly NewSend[]): EncodedSend[] {
  return sends.map(({ body, ifWindowClosed, ...send }) => ({
    ...send,
    body: JSON.stringify(body),
    ...(ifWindowClosed === undefined ? {} : { ifWindowClosed: JSON.stringify(ifWindowClosed) }),
  }));
}
