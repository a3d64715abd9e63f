/**
 * What people can do from outside, as one table: each command takes plain JSON and gives plain JSON. The server runs
 * them for whoever reaches its socket; without a server the command line runs them on the store itself. To add a
 * command, add a row here and its words in `surface/cli/`.
 */

import { limits } from '#core/limits.ts';
import type { InboundMessage, InboundStatus } from '#core/model/events.ts';
import { Fault } from '#core/model/faults.ts';
import type { ConversationRef } from '#core/model/ids.ts';
import { makeId } from '#core/model/ids.ts';
import { text } from '#core/model/send-builders/index.ts';
import type { NewSend, SendState } from '#core/model/sends.ts';
import { splitText } from '#core/model/split-text.ts';
import { digestOfKey } from '#pipeline/events/api-keys.ts';
import { cursorOf, eraseContactFor, readContactFor } from './contact-commands.ts';
import { examine } from './doctor/index.ts';
import { readLedgerFor, readLimitsFor } from './money-commands.ts';
import type { Nightdesk } from './nightdesk.ts';
import { readTenantsFile } from './tenants-file.ts';
import { makeApiKey } from './world/secrets.ts';

type Args = Record<string, unknown>;
type Command = (nightdesk: Nightdesk, args: Args) => Promise<unknown>;

const listMax = 1_000;

function str(args: Args, key: string): string {
  const value = args[key];
  if (typeof value !== 'string' || value === '') throw new Fault('badRequest', `"${key}" is missing.`);
  return value;
}

function maybe(args: Args, key: string): string | undefined {
  return typeof args[key] === 'string' && args[key] !== '' ? String(args[key]) : undefined;
}

function refOf(args: Args): ConversationRef {
  return { tenantId: str(args, 'tenantId'), conversationId: str(args, 'conversationId') };
}

function forTenant(args: Args): { tenantId?: string } {
  const tenantId = maybe(args, 'tenantId');
  return tenantId === undefined ? {} : { tenantId };
}

export const commands: Readonly<Record<string, Command>> = {
  'tenants.apply': async (nightdesk, args) => {
    const tenants = readTenantsFile(args.file, [...nightdesk.dialogs.keys()]);
    const { store, secrets, world } = nightdesk;
    await store.applyTenants({
      tenants: tenants.map((tenant) => secrets.sealTenant(tenant)),
      nowMs: world.clock.nowMs(),
    });
    const { reappended } = await nightdesk.reloadTenants();
    nightdesk.tellTenants();
    // The change ended the pauses of these tenants in the store; what the outbox remembers of them ends here.
    nightdesk.outbox.resume();
    return {
      applied: tenants.map((tenant) => tenant.tenantId),
      phoneNumbers: tenants.flatMap((tenant) => tenant.phoneNumbers).length,
      reappended,
    };
  },
  'tenants.list': async (nightdesk) =>
    nightdesk.directory.all().map((tenant) => ({
      tenantId: tenant.tenantId,
      name: tenant.name,
      hasAccessToken: tenant.accessToken !== undefined,
      hasAppSecret: tenant.appSecret !== undefined,
      hasVerifyToken: tenant.verifyToken !== undefined,
      sendsPerSecondMax: tenant.sendsPerSecondMax ?? null,
      phoneNumbers: tenant.phoneNumbers.map(({ tenantId: _, ...number }) => number),
    })),
  /** A page of stored states, for whoever has newer dialogs than this process: `nightdesk check --live`. */
  'states.list': (nightdesk, args) => {
    const after = args.after as { tenantId?: unknown; conversationId?: unknown } | null | undefined;
    const { tenantId, conversationId } = after ?? {};
    const isKey = typeof tenantId === 'string' && typeof conversationId === 'string';
    return nightdesk.store.listStates({
      after: isKey ? { tenantId, conversationId } : null,
      max: Math.min(Number(args.max) || listMax, listMax),
    });
  },
  /** A page, from where the last one ended: `nightdesk contacts export`. */
  'contacts.read': (nightdesk, args) =>
    readContactFor(nightdesk, {
      ...{ tenantId: str(args, 'tenantId'), contact: str(args, 'contact') },
      after: cursorOf(args.after),
    }),
  'contacts.erase': (nightdesk, args) =>
    eraseContactFor(nightdesk, {
      ...{ tenantId: str(args, 'tenantId'), contact: str(args, 'contact') },
      ...{ isMeant: args.yes === true, by: str(args, 'by') },
    }),
  'dialogs.list': async (nightdesk) => [...nightdesk.dialogs.keys()],
  'flags.list': (nightdesk, args) =>
    nightdesk.store.listFlags({ ...forTenant(args), open: args.resolved !== true, max: listMax }),
  'flags.resolve': async (nightdesk, args) => {
    const flagId = maybe(args, 'flagId');
    const conversationId = maybe(args, 'conversationId');
    if (flagId === undefined && conversationId === undefined)
      throw new Fault('badRequest', 'Name a flag or a conversation whose flags are resolved.');
    const resolved = await nightdesk.store.resolveFlags({
      tenantId: str(args, 'tenantId'),
      ...(flagId === undefined ? {} : { flagIds: [flagId] }),
      ...(conversationId === undefined ? {} : { conversationId }),
      by: str(args, 'by'),
      nowMs: nightdesk.world.clock.nowMs(),
    });
    if (resolved === 0)
      throw new Fault('notFound', 'There is no such open flag; it may have been resolved already.');
    return { resolved };
  },
  take: async (nightdesk, args) => {
    const taken = await nightdesk.store.takeOver({
      ref: refOf(args),
      by: str(args, 'by'),
      nowMs: nightdesk.world.clock.nowMs(),
    });
    nightdesk.nudge({ cancelled: taken.cancelled });
    nightdesk.world.observer?.observe({ kind: 'takenOver', ...refOf(args) });
    return { holder: 'operator', withdrawn: taken.withdrawn };
  },
  reply: async (nightdesk, args) => {
    const { world, store } = nightdesk;
    const nowMs = world.clock.nowMs();
    const sends = splitText(str(args, 'text')).map<NewSend>((part) => ({
      sendId: makeId('snd', nowMs, world.random),
      body: text(part),
      origin: 'operator',
      priority: 'operator',
      uncertainPolicy: 'holdForPerson',
    }));
    if (sends.length === 0) throw new Fault('badRequest', 'The text is empty.');
    const replied = await store.replyAsOperator({ ref: refOf(args), by: str(args, 'by'), sends, nowMs });
    nightdesk.nudge(replied);
    const sendIds = replied.sends.map((send) => send.sendId);
    world.observer?.observe({ kind: 'operatorReplied', ...refOf(args), sendIds });
    return { sendIds };
  },
  handback: async (nightdesk, args) => {
    const ref = refOf(args);
    const { reopened } = await nightdesk.store.handBack({
      ref,
      by: str(args, 'by'),
      nowMs: nightdesk.world.clock.nowMs(),
    });
    nightdesk.world.observer?.observe({ kind: 'handedBack', ...ref });
    nightdesk.wake.notify(ref);
    return { holder: 'bot', reopened };
  },
  transcript: (nightdesk, args) => nightdesk.store.readTranscript({ ref: refOf(args), max: 100 }),
  'keys.create': async (nightdesk, args) => {
    const { store, world, directory } = nightdesk;
    const tenantId = str(args, 'tenantId');
    if (directory.tenant(tenantId) === undefined)
      throw new Fault('notFound', `There is no tenant ${tenantId}. List the tenants for their ids.`);
    const nowMs = world.clock.nowMs();
    const keyId = makeId('key', nowMs, world.random);
    const key = makeApiKey();
    await store.createApiKey({
      ...{ tenantId, keyId, nowMs, digest: digestOfKey(key), liveMax: limits.apiKeysLiveMax },
      label: maybe(args, 'label') ?? '',
      by: str(args, 'by'),
    });
    return { tenantId, keyId, key };
  },
  'keys.list': (nightdesk, args) => nightdesk.store.listApiKeys({ ...forTenant(args), max: listMax }),
  'keys.revoke': async (nightdesk, args) => {
    const keyId = str(args, 'keyId');
    await nightdesk.store.revokeApiKey({
      ...{ tenantId: str(args, 'tenantId'), keyId, by: str(args, 'by') },
      nowMs: nightdesk.world.clock.nowMs(),
    });
    return { keyId };
  },
  'deadletters.list': (nightdesk, args) =>
    nightdesk.store.listDeadLetters({ ...forTenant(args), open: args.redriven !== true, max: listMax }),
  'deadletters.redrive': async (nightdesk, args) => {
    const ref = await nightdesk.store.redriveDeadLetter({
      tenantId: str(args, 'tenantId'),
      deadLetterId: str(args, 'deadLetterId'),
      by: str(args, 'by'),
      nowMs: nightdesk.world.clock.nowMs(),
    });
    nightdesk.wake.notify(ref);
    return ref;
  },
  'sends.list': (nightdesk, args) => {
    const states = (
      Array.isArray(args.states) ? args.states : ['uncertain', 'held', 'failed', 'refused']
    ) as SendState[];
    return nightdesk.store.listSends({ ...forTenant(args), states, max: listMax });
  },
  'sends.resolve': async (nightdesk, args) => {
    const verdict = str(args, 'verdict');
    if (verdict !== 'accepted' && verdict !== 'resend' && verdict !== 'withdraw')
      throw new Fault('badRequest', 'The verdict is accepted, resend or withdraw.');
    const freed = await nightdesk.store.resolveSend({
      tenantId: str(args, 'tenantId'),
      sendId: str(args, 'sendId'),
      verdict,
      by: str(args, 'by'),
      nowMs: nightdesk.world.clock.nowMs(),
    });
    nightdesk.nudge({ sends: freed });
    return { verdict };
  },
  'quarantine.list': async (nightdesk, args) =>
    (await nightdesk.store.listQuarantine({ open: args.redriven !== true, max: listMax })).map(
      ({ bytes, item, ...row }) => ({ ...row, kind: kindOf(item), bytes: bytes?.byteLength ?? 0 }),
    ),
  'quarantine.redrive': async (nightdesk, args) => {
    const only = maybe(args, 'quarantineId');
    const rows = (await nightdesk.store.listQuarantine({ open: true, max: listMax })).filter(
      (row) => only === undefined || row.quarantineId === only,
    );
    const items = rows.flatMap((row) =>
      row.item === null ? [] : [{ quarantineId: row.quarantineId, tenantId: row.tenantId, item: row.item }],
    );
    const placed = await nightdesk.webhook.reappend(items);
    if (placed.length > 0)
      await nightdesk.store.markRedriven({ quarantineIds: placed, nowMs: nightdesk.world.clock.nowMs() });
    return { redriven: placed.length, left: rows.length - placed.length };
  },
  audit: async (nightdesk, args) => {
    const nowMs = nightdesk.world.clock.nowMs();
    const days = Number(args.days ?? 30);
    if (!(days > 0)) throw new Fault('badRequest', '"days" must be a number over 0.');
    return nightdesk.store.audit({ sinceMs: nowMs - days * 86_400_000, nowMs });
  },
  ledger: (nightdesk, args) => readLedgerFor(nightdesk.store, args),
  limits: (nightdesk, args) => readLimitsFor(nightdesk.store, args, nightdesk.world.clock.nowMs()),
  'clock.move': async ({ world: { time } }, args) => {
    if (time === undefined)
      throw new Fault(
        'conflict',
        'The clock of this server is the machine’s and cannot be moved: only `nightdesk dev` starts a server whose clock can.',
      );
    time.moveTo(Number(args.aheadMs));
    return { aheadMs: time.aheadMs() };
  },
  doctor: (nightdesk) =>
    examine({ config: nightdesk.config, world: nightdesk.world, tenants: nightdesk.directory.all() }),
};

function kindOf(item: InboundMessage | InboundStatus | null): string {
  if (item === null) return 'bytes';
  return item.type === 'message' ? `message.${item.kind}` : `status.${item.status}`;
}

/** Runs a command by name. @throws Fault notFound where there is none of that name. */
export function runCommand(nightdesk: Nightdesk, name: string, args: Args): Promise<unknown> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new Fault('notFound', `There is no command ${name}.`);
  return command(nightdesk, args);
}
