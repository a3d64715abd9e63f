/**
 * The commands that people give to a server, as one table: their words, their options, and the arguments that the
 * runtime's command of that name takes. To add one, add its row here, its words in `results.ts` and a section in
 * `docs/reference/cli.md`.
 */
import { Fault } from '#core/model/faults.ts';
import { type SendState, sendTransitions } from '#core/model/sends.ts';
import type { Told } from './results.ts';
import type { CommandArgs } from './run.ts';

export interface CommandRow {
  /** As they are typed, arguments included: `<needed>`, `[possible]`. */
  usage: string;
  does: string;
  options: readonly CommandOption[];
  /** Its name in `runtime/commands.ts`. */
  name: Told;
  args(words: Words, options: Options): CommandArgs | Promise<CommandArgs>;
  /** Whether the answer means that a check found something. */
  found?(result: unknown): boolean;
}

export interface CommandOption {
  flags: string;
  does: string;
  isNeeded?: true;
}

type Words = readonly (string | undefined)[];
type Options = Readonly<Record<string, string | boolean | undefined>>;

const tenant: CommandOption = { flags: '--tenant <id>', does: 'the tenant', isNeeded: true };
const anyTenant: CommandOption = { flags: '--tenant <id>', does: 'only this tenant' };
const by: CommandOption = {
  flags: '--by <name>',
  does: 'who does it, for the record (your user name if absent)',
};
const redriven: CommandOption = {
  flags: '--redriven',
  does: 'those that were redriven, instead of those that wait',
};

const conversationOf = ([conversationId]: Words, { tenant: tenantId }: Options) => ({
  tenantId,
  conversationId,
});

export const commandTable: readonly CommandRow[] = [
  {
    usage: 'tenants apply <file>',
    does: 'create or update tenants from a JSON file, or from standard input with "-"',
    options: [],
    name: 'tenants.apply',
    args: async ([file = '']) => ({ file: (await import('./json-file.ts')).readJsonFile(file) }),
  },
  {
    usage: 'tenants list',
    does: 'show tenants and their phone numbers, without secrets',
    options: [],
    name: 'tenants.list',
    args: () => ({}),
  },
  {
    usage: 'flags list',
    does: 'show conversations that ask for a person',
    options: [
      anyTenant,
      { flags: '--resolved', does: 'those that were resolved, instead of those that are open' },
    ],
    name: 'flags.list',
    args: (_words, options) => ({ tenantId: options.tenant, resolved: options.resolved === true }),
  },
  {
    usage: 'flags resolve [flag]',
    does: 'resolve one flag, or all of a conversation',
    options: [tenant, { flags: '--conversation <id>', does: 'all flags of this conversation' }, by],
    name: 'flags.resolve',
    args: ([flagId], options) => {
      if ((flagId === undefined) === (options.conversation === undefined))
        throw new Fault(
          'badRequest',
          'Name either a flag or a conversation: flags resolve --tenant T FLAG, or flags resolve --tenant T --conversation C.',
        );
      return { tenantId: options.tenant, flagId, conversationId: options.conversation };
    },
  },
  {
    usage: 'take <conversation>',
    does: 'take a conversation over: the bot falls silent',
    options: [tenant, by],
    name: 'take',
    args: conversationOf,
  },
  {
    usage: 'reply <conversation> <text>',
    does: 'write to the customer; takes the conversation over first where the bot holds it',
    options: [tenant, by],
    name: 'reply',
    args: (words, options) => ({ ...conversationOf(words, options), text: words[1] }),
  },
  {
    usage: 'handback <conversation>',
    does: 'give a conversation back to the bot',
    options: [tenant, by],
    name: 'handback',
    args: conversationOf,
  },
  {
    usage: 'transcript <conversation>',
    does: 'show the last 100 messages of a conversation',
    options: [tenant],
    name: 'transcript',
    args: conversationOf,
  },
  {
    usage: 'keys create',
    does: 'make an API key for a system of the business; it is shown once',
    options: [tenant, { flags: '--label <text>', does: 'what it is for, e.g. "shop"' }, by],
    name: 'keys.create',
    args: (_words, options) => ({ tenantId: options.tenant, label: options.label }),
  },
  {
    usage: 'keys list',
    does: 'show keys, who made them and when they were last used',
    options: [anyTenant],
    name: 'keys.list',
    args: (_words, options) => ({ tenantId: options.tenant }),
  },
  {
    usage: 'keys revoke <key>',
    does: 'let a key open nothing any more, at once',
    options: [tenant, by],
    name: 'keys.revoke',
    args: ([keyId], options) => ({ tenantId: options.tenant, keyId }),
  },
  {
    usage: 'contacts erase',
    does: 'take the content out of everything that is stored of a contact, for good; without --yes show what would go',
    options: [
      tenant,
      {
        flags: '--contact <address>',
        does: 'a phone, a business-scoped id or an id of ours',
        isNeeded: true,
      },
      { flags: '--yes', does: 'do it' },
      by,
    ],
    name: 'contacts.erase',
    args: (_words, options) => ({
      tenantId: options.tenant,
      contact: options.contact,
      yes: options.yes === true,
    }),
    found: (result) => (result as { isScrubbed: boolean | null }).isScrubbed === false,
  },
  {
    usage: 'deadletters list',
    does: 'show events on which a dialog failed',
    options: [anyTenant, redriven],
    name: 'deadletters.list',
    args: (_words, options) => ({ tenantId: options.tenant, redriven: options.redriven === true }),
  },
  {
    usage: 'deadletters redrive <deadletter>',
    does: 'put the event of a dead letter into its mailbox again',
    options: [tenant, by],
    name: 'deadletters.redrive',
    args: ([deadLetterId], options) => ({ tenantId: options.tenant, deadLetterId }),
  },
  {
    usage: 'sends list',
    does: 'show sends that a person may have to look at',
    options: [
      anyTenant,
      {
        flags: '--state <list>',
        does: 'these states, comma-separated (uncertain,held,failed,refused if absent)',
      },
    ],
    name: 'sends.list',
    args: (_words, options) => ({
      tenantId: options.tenant,
      ...(options.state === undefined ? {} : { states: statesOf(String(options.state)) }),
    }),
  },
  {
    usage: 'sends resolve <send>',
    does: 'decide what became of an uncertain or held send',
    options: [
      tenant,
      { flags: '--accepted', does: 'the customer has it' },
      { flags: '--resend', does: 'send it again' },
      { flags: '--withdraw', does: 'give it up' },
      by,
    ],
    name: 'sends.resolve',
    args: ([sendId], options) => {
      const verdicts = ['accepted', 'resend', 'withdraw'].filter((verdict) => options[verdict] === true);
      if (verdicts.length !== 1)
        throw new Fault('badRequest', 'Name one verdict: --accepted, --resend or --withdraw.');
      return { tenantId: options.tenant, sendId, verdict: verdicts[0] };
    },
  },
  {
    usage: 'quarantine list',
    does: 'show what came in and fits no mailbox',
    options: [redriven],
    name: 'quarantine.list',
    args: (_words, options) => ({ redriven: options.redriven === true }),
  },
  {
    usage: 'quarantine redrive [id]',
    does: 'try again to put quarantined items into their mailboxes',
    options: [],
    name: 'quarantine.redrive',
    args: ([quarantineId]) => ({ quarantineId }),
  },
  {
    usage: 'ledger',
    does: 'sum up what paid work has cost; exits 1 if the ledger does not add up',
    options: [
      anyTenant,
      { flags: '--contact <id>', does: 'only this contact' },
      { flags: '--activity <name>', does: 'only this activity' },
      { flags: '--day <day>', does: 'starts of this day in UTC, e.g. 2026-01-31' },
      { flags: '--from <day>', does: 'starts from this day on' },
      { flags: '--to <day>', does: 'starts to this day' },
      {
        flags: '--per <list>',
        does: 'a sum for each of these: tenant, contact, activity, day (tenant,activity,day if absent)',
      },
    ],
    name: 'ledger',
    args: (_words, { tenant: tenantId, contact: contactId, activity, day, from, to, per }) => ({
      ...{ tenantId, contactId, activity, day, from, to, per },
    }),
    found: (result) => (result as { unbalanced: number }).unbalanced > 0,
  },
  {
    usage: 'limits',
    does: 'show what limits granted and refused, and what others would have refused',
    options: [
      anyTenant,
      { flags: '--limit <name>', does: 'only this limit' },
      { flags: '--days <n>', does: 'how far back (30 if absent)' },
      { flags: '--max <list>', does: 'other maxima to judge by, comma-separated (half and twice if absent)' },
    ],
    name: 'limits',
    args: (_words, { tenant: tenantId, limit, days, max }) => ({ tenantId, limit, days: daysOf(days), max }),
  },
  {
    usage: 'audit',
    does: 'count what became of every acknowledged event; exits 1 if one is missing',
    options: [{ flags: '--days <n>', does: 'how far back (30 if absent)' }],
    name: 'audit',
    args: (_words, options) => ({ days: daysOf(options.days) }),
    found: (result) => (result as { missingCount: number }).missingCount > 0,
  },
];

function statesOf(list: string): SendState[] {
  return list.split(',').map((word) => {
    const state = word.trim();
    if (!Object.hasOwn(sendTransitions, state))
      throw new Fault(
        'badRequest',
        `There is no state "${state}" of a send. States are ${Object.keys(sendTransitions).join(', ')}.`,
      );
    return state as SendState;
  });
}

function daysOf(given: string | boolean | undefined): number {
  const days = Number(given ?? 30);
  if (!(days > 0 && days <= 36_500))
    throw new Fault('badRequest', '--days must be a number over 0, e.g. --days 7.');
  return days;
}
