/**
 * A recorded day: what customers and people did to the simulator, what the business numbers sent, and what became of
 * that, each with its time from the beginning. As text it is one JSON object a line, the first of which says what it is.
 * To record more, add a kind of line here, its place in `record.ts` and, if it is an act, in `replay.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Contact } from '#simulator/index.ts';
import type { StoryNumber } from '../story/contact.ts';

export const dayVersion = 1;

export interface DayHeader {
  kind: 'day';
  version: number;
  startMs: number;
  numbers: StoryNumber[];
  /** Those who were there at the beginning. */
  contacts: Contact[];
}

/** Something was done to the simulator by its control API: said, switched on, changed. */
export interface DayAct {
  kind: 'act';
  atMs: number;
  method: string;
  path: string;
  body: unknown;
  /** What contacts said by it, in order. */
  said: { wamid: string; contactId: string; phoneNumberId: string; words: string }[];
  /** The contact that was made or changed by it. */
  contact: Contact | null;
}

/** Meta accepted a send. */
export interface DaySend {
  kind: 'send';
  atMs: number;
  phoneNumberId: string;
  contactId: string | null;
  wamid: string;
  type: string;
  text: string | null;
  body: unknown;
  replyTo: string | null;
}

export interface DayStatus {
  kind: 'status';
  atMs: number;
  wamid: string;
  status: string;
  code: number | null;
}

export interface DayRefusal {
  kind: 'refusal';
  atMs: number;
  phoneNumberId: string;
  code: number | null;
  httpStatus: number;
}

export type DayLine = DayAct | DaySend | DayStatus | DayRefusal;

export interface Day {
  header: DayHeader;
  /** In the order of time. */
  lines: DayLine[];
}

export const dayText = (day: Day): string =>
  [day.header, ...day.lines].map((line) => `${JSON.stringify(line)}\n`).join('');

const lineKinds = new Set(['act', 'send', 'status', 'refusal']);

/** @throws Error that names the line which cannot be read. */
export function parseDay(text: string): Day {
  const [header, ...lines] = text
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => parseLine(line, number));
  if (header?.kind !== 'day')
    throw new Error(
      'This is no recorded day: its first line must be of the kind "day", as recordDay() writes it.',
    );
  if (header.version !== dayVersion)
    throw new Error(
      `The day was recorded in version ${String(header.version)}, and this code reads version ${dayVersion}. Record it again.`,
    );
  for (const [index, line] of lines.entries()) {
    if (lineKinds.has(String(line.kind)) && typeof line.atMs === 'number') continue;
    throw new Error(
      `Line ${index + 2} of the recorded day is of the kind "${String(line.kind)}" and cannot be read. Known: ${[...lineKinds].join(', ')}, each with "atMs".`,
    );
  }
  return { header, lines } as unknown as Day;
}

function parseLine(line: string, number: number): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    throw new Error(`Line ${number} of the recorded day is no JSON. Was the file cut off or edited?`);
  }
}

export const saveDay = (path: string, day: Day): void => writeFileSync(path, dayText(day));
export const loadDay = (path: string): Day => parseDay(readFileSync(path, 'utf8'));
