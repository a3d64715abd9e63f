/** What a customer reads off the phone: the last words, what can be tapped, the page on which one pays. */
import type { HistoryMessage } from '#simulator/index.ts';

export interface Offer {
  say: 'buttonReply' | 'listReply';
  id: string;
  title: string;
  wamid: string;
}

interface Interactive {
  action?: {
    buttons?: { reply?: { id: string; title: string } }[];
    sections?: { rows: { id: string; title: string }[] }[];
    parameters?: { url?: string };
  };
  body?: { text?: string };
}

const bodyOf = ({ body }: HistoryMessage) => (body ?? {}) as Interactive;

export function offersIn(message: HistoryMessage): Offer[] {
  const { buttons = [], sections = [] } = bodyOf(message).action ?? {};
  const { wamid } = message;
  return [
    ...buttons.flatMap(({ reply }) =>
      reply === undefined ? [] : [{ say: 'buttonReply' as const, id: reply.id, title: reply.title, wamid }],
    ),
    ...sections.flatMap(({ rows }) =>
      rows.map(({ id, title }) => ({ say: 'listReply' as const, id, title, wamid })),
    ),
  ];
}

/** The id of the page that a message leads to. */
export const pageIn = (message: HistoryMessage): string | null =>
  /\/pay\/(\w+)$/.exec(bodyOf(message).action?.parameters?.url ?? '')?.[1] ?? null;

export const wordsOf = (message: HistoryMessage): string => bodyOf(message).body?.text ?? message.text ?? '';

/** What the business has said, oldest first. */
export const heardOn = (messages: readonly HistoryMessage[]): HistoryMessage[] =>
  messages.filter(({ direction, status }) => direction === 'out' && status !== 'failed');
