/**
 * What the commands answer, in words. To show a new command, add a row under its name in `runtime/commands.ts`.
 */

import type { ApiKeyRow } from '#core/ports/store-business.ts';
import type { ContactContent } from '#core/ports/store-contacts.ts';
import type {
  AuditReport,
  DeadLetterRow,
  FlagRow,
  QuarantineRow,
  SendRow,
  TranscriptLine,
} from '#core/ports/store-operators.ts';
import type { PhoneNumber } from '#core/ports/tenants.ts';
import type { EraseAnswer } from '#runtime/contact-commands.ts';
import { ledgerInWords, limitsInWords } from './results-money.ts';
import { paint, plain, table, timeOf } from './show.ts';

interface TenantRow {
  tenantId: string;
  name: string;
  hasAccessToken: boolean;
  hasAppSecret: boolean;
  hasVerifyToken: boolean;
  phoneNumbers: PhoneNumber[];
}

const wordsOf = {
  'tenants.apply': (done: { applied: string[]; phoneNumbers: number; reappended: number }) =>
    `Applied ${counted(done.applied.length, 'tenant')} with ${counted(done.phoneNumbers, 'phone number')}.${done.reappended > 0 ? ` ${counted(done.reappended, 'message')} left quarantine.` : ''}`,
  'tenants.list': (tenants: TenantRow[]) =>
    table(
      ['TENANT', 'NAME', 'OWN SECRETS', 'PHONE NUMBER ID', 'NUMBER', 'WABA', 'DIALOG'],
      tenants.flatMap((tenant) =>
        numbersOf(tenant).map((number) => [
          tenant.tenantId,
          tenant.name,
          secretsOf(tenant),
          number?.phoneNumberId,
          number?.displayNumber,
          number?.wabaId,
          number?.dialog,
        ]),
      ),
      'There is no tenant yet.',
    ),
  'flags.list': (flags: FlagRow[]) =>
    table(
      ['FLAG', 'TENANT', 'CONVERSATION', 'CONTACT', 'REASON', 'TIMES', 'LAST', 'HOLDER', 'DETAIL'],
      flags.map((flag) => [
        flag.flagId,
        flag.tenantId,
        flag.conversationId,
        flag.contact,
        flag.reason,
        flag.count,
        timeOf(flag.lastAtMs),
        flag.holder,
        flag.detail,
      ]),
      'No conversation is flagged.',
    ),
  'flags.resolve': ({ resolved }: { resolved: number }) => `Resolved ${counted(resolved, 'flag')}.`,
  take: ({ withdrawn }: { withdrawn: number }) =>
    `An operator holds the conversation; the bot is silent.${withdrawn > 0 ? ` ${counted(withdrawn, 'message')} of the bot had not left and will not.` : ''}`,
  reply: ({ sendIds }: { sendIds: string[] }) => `The reply is in the outbox as ${sendIds.join(', ')}.`,
  handback: ({ reopened }: { reopened: number }) =>
    `The bot holds the conversation again.${reopened > 0 ? ` ${counted(reopened, 'message')} since the operator's last word left to it.` : ''}`,
  transcript: (lines: TranscriptLine[]) =>
    lines.length === 0
      ? 'Nothing was said yet.'
      : lines
          .map(
            (line) =>
              `${paint('dim', timeOf(line.atMs))}  ${line.role.padEnd(8)}  ${plain(line.text)}${line.kind === 'text' ? '' : ` [${plain(line.kind)}]`}${line.state === null ? '' : paint('dim', ` (${plain(line.state)})`)}`,
          )
          .join('\n'),
  'keys.create': ({ keyId, key }: { keyId: string; key: string }) =>
    `${key}\n\nThis is key ${keyId}. It is shown this once and cannot be had again; put it where the shop keeps its secrets.`,
  'keys.list': (keys: ApiKeyRow[]) =>
    table(
      ['KEY', 'TENANT', 'LABEL', 'MADE BY', 'MADE', 'LAST USED', 'REVOKED'],
      keys.map((key) => [
        key.keyId,
        key.tenantId,
        key.label,
        key.createdBy,
        timeOf(key.createdAtMs),
        key.lastUsedAtMs === null ? 'never' : timeOf(key.lastUsedAtMs),
        key.revokedAtMs === null ? '' : timeOf(key.revokedAtMs),
      ]),
      'There is no key yet.',
    ),
  'keys.revoke': ({ keyId }: { keyId: string }) => `Key ${keyId} opens nothing any more.`,
  'contacts.erase': erasureInWords,
  'deadletters.list': (letters: DeadLetterRow[]) =>
    table(
      ['DEAD LETTER', 'TENANT', 'CONVERSATION', 'POSITION', 'KIND', 'SINCE', 'FAULT'],
      letters.map((letter) => [
        letter.deadLetterId,
        letter.tenantId,
        letter.conversationId,
        letter.position,
        letter.kind,
        timeOf(letter.createdAtMs),
        letter.fault,
      ]),
      'There is no dead letter.',
    ),
  'deadletters.redrive': ({ conversationId }: { conversationId: string }) =>
    `The event stands at the end of the mailbox of ${conversationId} again.`,
  'sends.list': (sends: SendRow[]) =>
    table(
      ['SEND', 'TENANT', 'CONVERSATION', 'STATE', 'DELIVERY', 'ATTEMPTS', 'SINCE', 'CODE', 'WHY'],
      sends.map((send) => [
        send.sendId,
        send.tenantId,
        send.conversationId,
        send.state,
        send.delivery,
        send.attempts,
        timeOf(send.updatedAtMs),
        send.errorCode,
        send.why,
      ]),
      'There is no such send.',
    ),
  'sends.resolve': ({ verdict }: { verdict: string }) =>
    ({
      accepted: 'The send counts as accepted.',
      resend: 'The send leaves again.',
      withdraw: 'The send is withdrawn.',
    })[verdict] ?? verdict,
  'quarantine.list': (rows: (Omit<QuarantineRow, 'item' | 'bytes'> & { kind: string; bytes: number })[]) =>
    table(
      ['QUARANTINED', 'TENANT', 'REASON', 'PHONE NUMBER ID', 'KIND', 'BYTES', 'SINCE'],
      rows.map((row) => [
        row.quarantineId,
        row.tenantId,
        row.reason,
        row.phoneNumberId,
        row.kind,
        row.bytes,
        timeOf(row.createdAtMs),
      ]),
      'Quarantine is empty.',
    ),
  'quarantine.redrive': ({ redriven, left }: { redriven: number; left: number }) =>
    `${counted(redriven, 'item')} found a mailbox; ${left} left in quarantine.`,
  ledger: ledgerInWords,
  limits: limitsInWords,
  audit: (report: AuditReport) =>
    [
      `${counted(report.events, 'event')} acknowledged since ${timeOf(report.sinceMs)}; ${report.underWay} under way.`,
      table(['END', 'EVENTS'], Object.entries(report.byEnd).sort(), ''),
      `Proven duplicates: ${report.provenDuplicates}.`,
      report.missingCount === 0
        ? paint('green', 'None is missing.')
        : paint('red', `${report.missingCount} missing:`),
      table(
        ['TENANT', 'CONVERSATION', 'POSITION', 'KIND', 'WHY'],
        report.missing.map((event) => [
          event.tenantId,
          event.conversationId,
          event.position,
          event.kind,
          event.why,
        ]),
        '',
      ),
    ]
      .filter((part) => part !== '')
      .join('\n'),
};

export type Told = keyof typeof wordsOf;

/** The answer of a command for a person; each is the JSON that the command of that name gives. */
export function inWords(name: Told, result: unknown): string {
  return (wordsOf[name] as (result: unknown) => string)(result);
}

const contentWords: Readonly<Record<keyof ContactContent, string>> = {
  addresses: 'addresses',
  profiles: 'names and profiles',
  events: 'messages and other events',
  sends: 'messages of ours',
  activities: 'activities',
  states: 'states of dialogs',
  timers: 'timers',
  flags: 'flags with words',
  deadLetters: 'dead letters',
  quarantined: 'items in quarantine',
  notices: 'notices',
  files: 'files that no other contact uses',
};

function erasureInWords(answer: EraseAnswer): string {
  const { contactId, isErased, content, isScrubbed } = answer;
  if (contactId === null) return 'No contact is known by that id or address: nothing is stored under it.';
  const left = Object.entries(content).filter(([, count]) => count > 0);
  const rows = left.map(([kind, count]) => [contentWords[kind as keyof ContactContent], count]);
  const what = table(['WHAT', 'ROWS'], rows, '');
  const still = bytesLeft(isScrubbed);
  if (left.length === 0) return [`Nothing is left of ${contactId}.`, ...still].join('\n');
  if (!isErased)
    return `${what}\n\nThis would be erased of ${contactId}. Nothing was changed; --yes does it.`;
  const ended = `${counted(answer.eventsEnded, 'event')} without an answer ended, ${counted(answer.sendsWithdrawn, 'send')} withdrawn, ${answer.activitiesCancelled} activities cancelled.`;
  return [what, '', `Erased ${contactId}.`, ended, ...still].join('\n');
}

function bytesLeft(isScrubbed: boolean | null): string[] {
  if (isScrubbed === true) return [];
  return [
    isScrubbed === null
      ? 'Postgres keeps the old bytes in its pages until they are used again, in its log of commits and in your archives of it: docs/contact-data.md says how they go.'
      : 'Somebody reads the database just now, so the bytes still stand in its log of commits (-wal). Run this again when the backup or the reader is done.',
  ];
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function numbersOf(tenant: TenantRow): (PhoneNumber | undefined)[] {
  return tenant.phoneNumbers.length === 0 ? [undefined] : tenant.phoneNumbers;
}

function secretsOf(tenant: TenantRow): string {
  const has = [
    tenant.hasAccessToken && 'token',
    tenant.hasAppSecret && 'app secret',
    tenant.hasVerifyToken && 'verify token',
  ];
  return has.filter((each) => each !== false).join(', ') || '-';
}
