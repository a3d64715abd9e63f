/**
 * `nightdesk contacts export`: one JSON document of everything that is stored of a contact, written a page at a time, so
 * that it needs the same memory however long somebody has been a customer.
 */
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { Fault } from '#core/model/faults.ts';
import { type ContactCursor, type ContactSection, contactSections } from '#core/ports/store-contacts.ts';
import type { ContactAnswer } from '#runtime/contact-commands.ts';
import { exitCodes } from './exit-codes.ts';
import { type CommandArgs, runEach } from './run.ts';
import { show } from './show.ts';

export interface ExportOptions {
  tenant: string;
  contact: string;
  out?: string;
  json?: boolean;
}

/** The form of the document; raised when a field changes its meaning or goes. */
const version = 1;

type Write = (text: string) => Promise<void> | void;
type Call = (name: string, args: CommandArgs) => Promise<unknown>;

export async function exportContact({ tenant, contact, out, json }: ExportOptions): Promise<number> {
  const asked = { tenantId: tenant, contact };
  if (out === undefined) {
    await runEach((call) => writeDocument(call, asked, toStandardOutput));
    return exitCodes.ok;
  }
  const rows = await runEach((call) => toFile(out, (write) => writeDocument(call, asked, write)));
  show(
    json === true
      ? { file: out, rows }
      : `Wrote ${Object.values(rows).reduce((a, b) => a + b, 0)} rows to ${out}.`,
  );
  return exitCodes.ok;
}

type Counts = Partial<Record<ContactSection, number>>;

async function writeDocument(
  call: Call,
  { tenantId, contact }: { tenantId: string; contact: string },
  write: Write,
): Promise<Counts> {
  const counts: Counts = {};
  let page = (await call('contacts.read', { tenantId, contact, after: null })) as ContactAnswer;
  const { contactId, atMs: exportedAtMs } = page;
  const head = { format: 'nightdesk contact', version, exportedAtMs, tenantId, contactId };
  let text = JSON.stringify(head).slice(0, -1);
  let section = -1;
  for (;;) {
    for (const each of page.rows) {
      const at = contactSections.indexOf(each.section);
      text += at === section ? ',' : between(section, at);
      text += `\n${JSON.stringify(each.row)}`;
      section = at;
      counts[each.section] = (counts[each.section] ?? 0) + 1;
    }
    if (page.next === null) break;
    await write(text);
    text = '';
    const next: ContactCursor = page.next;
    page = (await call('contacts.read', { tenantId, contact: contactId, after: next })) as ContactAnswer;
  }
  await write(`${text}${between(section, contactSections.length)}\n}\n`);
  return counts;
}

/** From the last row of one section to the first of another, or to the end; the sections between them are empty lists. */
function between(from: number, to: number): string {
  const names = contactSections.slice(from + 1, to + 1);
  const opened = names.map((name, i) => `${from + i < 0 ? '' : '\n]'},\n"${name}":[`).join('');
  return to < contactSections.length ? opened : `${opened}\n]`;
}

const toStandardOutput = (text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });

/** Whole, or not at all: a file under that name is replaced at the end. Only its owner may read it. */
async function toFile<T>(path: string, use: (write: Write) => Promise<T>): Promise<T> {
  const part = `${path}.part-${process.pid}`;
  let file: number;
  try {
    file = openSync(part, 'wx', 0o600);
  } catch (error) {
    throw new Fault(
      'badRequest',
      `${part} cannot be written: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}.`,
    );
  }
  try {
    const result = await use((text) => void writeSync(file, text));
    closeSync(file);
    renameSync(part, path);
    return result;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
