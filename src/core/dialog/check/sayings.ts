/**
 * What the actions of a step say, as lines of a transcript, and which options they put on the customer's screen. Texts come
 * from samples; one that cannot be made from them stands as "(a text)".
 */
import type { TemplateBody } from '../../model/send-bodies.ts';
import type { SendBody } from '../../model/sends.ts';
import { wordsOfSend } from '../../model/words-of-send.ts';
import type { ActionData } from './both-ways.ts';
import { unseen } from './safe-actions.ts';

export interface Sayings {
  lines: string[];
  options: string[];
  answered: boolean;
  handsOff: boolean;
  /** Some of it could not be made from samples, and may offer options. */
  isUnseen: boolean;
}

const answering = ['say', 'flag', 'noAnswer', 'handOff'];
const wordsMax = 160;

export function sayingsOf(actions: readonly ActionData[]): Sayings {
  const lines: string[] = [];
  const options: string[] = [];
  for (const { type, params } of actions) {
    const given = (params === unseen ? {} : (params ?? {})) as Record<string, unknown>;
    if (type === 'say') {
      lines.push(`Bot: ${spoken(given)}${insteadOf(given)}`);
      options.push(...optionsIn(given));
    } else if (type === 'flag') lines.push(`(a person is asked: ${String(given.reason ?? 'a flag')})`);
    else if (type === 'noAnswer')
      lines.push(`(no answer, by the rule ${String(given.rule ?? 'of the dialog')})`);
    else if (type === 'handOff') lines.push('(the conversation is handed to a person)');
  }
  const names = actions.map(({ type }) => type);
  return {
    lines,
    options,
    answered: names.some((name) => answering.includes(name)),
    handsOff: names.includes('handOff'),
    isUnseen: actions.some(({ type, params }) => type === 'say' && params === unseen),
  };
}

function spoken({ text, body, bodies }: Record<string, unknown>): string {
  const built = Array.isArray(bodies) ? (bodies as SendBody[]) : [body as SendBody | undefined];
  const words = typeof text === 'string' ? text : built.map(wordsOf).join(' / ');
  const line = words.replace(/\s+/g, ' ').trim();
  if (line === '') return '(a text)';
  return line.length > wordsMax ? `${line.slice(0, wordsMax)}...` : line;
}

/** What leaves in its place where the service window is closed. */
function insteadOf({ ifWindowClosed }: Record<string, unknown>): string {
  const template = ifWindowClosed as TemplateBody | undefined;
  return template?.type === 'template' ? ` (outside the service window: ${wordsOfSend(template)})` : '';
}

function wordsOf(body: SendBody | undefined): string {
  if (body === undefined) return '';
  if (body.type === 'text') return body.text.body;
  const options = optionsIn({ body });
  const shown = options.length === 0 ? '' : ` [${options.join('] [')}]`;
  const said = (body as { interactive?: { body?: { text?: string } } }).interactive?.body?.text;
  return `${said ?? `(${body.type})`}${shown}`;
}

/** Ids of reply buttons and of rows of a list, wherever they stand in what is said. */
export function optionsIn(said: unknown): string[] {
  if (typeof said !== 'object' || said === null) return [];
  if (Array.isArray(said)) return said.flatMap(optionsIn);
  return Object.entries(said).flatMap(([key, value]) => {
    if (key === 'reply' && hasId(value)) return [value.id];
    if (key === 'rows' && Array.isArray(value)) return value.filter(hasId).map(({ id }) => id);
    return optionsIn(value);
  });
}

function hasId(value: unknown): value is { id: string } {
  return typeof (value as { id?: unknown } | null)?.id === 'string';
}
