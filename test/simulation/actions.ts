/** What each action of a plan does. To add one, add its shape to the plan and what it does here. */
import type { Contact, HistoryMessage } from '#simulator/index.ts';
import type { Action, Plan } from './plan.ts';
import { numberOf, phoneOf, userIdOf } from './setting-up.ts';
import type { Universe } from './universe.ts';

type Of<K extends Action['kind']> = Extract<Action, { kind: K }>;

export function createContacts(universe: Universe): void {
  for (let i = 0; i < universe.plan.contacts; i += 1)
    universe.contacts.push(universe.meta.contacts.create({ id: `c${i}`, name: `C${i}`, phone: phoneOf(i) }));
}

export function schedule(universe: Universe, actions: readonly Action[]): void {
  for (const action of actions)
    universe.world.timers.after(action.atMs, () => {
      act(universe, action);
      universe.link.pump();
    });
}

type Acts = { [K in Action['kind']]: (universe: Universe, action: Of<K>) => void };

const acts: Acts = {
  say,
  tap,
  tell,
  echo,
  changeNumber,
  take: operate,
  reply: operate,
  handBack: operate,
  crash: (universe, { process, awayMs }) => universe.crash(process, awayMs),
  stop: (universe, { process, awayMs }) => universe.stop(process, awayMs),
  pause: (universe, { process, forMs }) => universe.pause(process, forMs),
  stepClock: (universe, { byMs }) => universe.stepClock(byMs),
  graphAway(universe, { forMs }) {
    universe.link.awayUntilMs = universe.nowMs() + forMs;
    universe.journal.note({ kind: 'world', what: `Graph is away for ${forMs} ms` });
  },
  addresses: (universe, { contact, show: what }) => show(universe, contactOf(universe, contact), what),
  resolveSends: (universe, { tenant }) => void resolveSends(universe, tenantOf(universe.plan, tenant)),
  redriveDeadLetters: (universe, { tenant }) =>
    void redriveDeadLetters(universe, tenantOf(universe.plan, tenant)),
  applyTenants: (universe) => void universe.applyTenants(),
};

function act<K extends Action['kind']>(universe: Universe, action: Of<K>): void {
  const perform: (universe: Universe, action: Of<K>) => void = acts[action.kind];
  perform(universe, action);
}

const tenantOf = (plan: Plan, at: number) => plan.tenants[at]?.id ?? '';

function contactOf({ contacts }: Universe, at: number): Contact {
  const contact = contacts[at];
  if (contact === undefined) throw new Error(`The plan names contact ${at}, who is not there.`);
  return contact;
}

const contents = {
  text: (text: string) => ({ type: 'text', text }),
  image: () => ({ type: 'image' }),
  voice: () => ({ type: 'audio', voice: true }),
  reaction: () => ({ type: 'reaction', messageId: 'wamid.before', emoji: '👍' }),
  unsupported: () => ({ type: 'unsupported' }),
} as const;

function say(universe: Universe, { contact, tenant, number, message, text }: Of<'say'>): void {
  const { meta, journal, plan } = universe;
  const phoneNumberId = numberOf(tenant, number);
  const { id } = contactOf(universe, contact);
  const said = meta.inbound.say({ phoneNumberId, contact: id, ...contents[message](text) }, universe.nowMs());
  journal.note({
    kind: 'said',
    wamid: said.wamid,
    contact: id,
    tenantId: tenantOf(plan, tenant),
    phoneNumberId,
    type: message,
    text: said.text ?? '',
  });
}

/** A second tap on a button is a message of its own; what was tapped is what the button says. */
function tap(universe: Universe, action: Of<'tap'>): void {
  const { meta, world, journal } = universe;
  const { id: contact } = contactOf(universe, action.contact);
  const phoneNumberId = numberOf(action.tenant, action.number);
  const tenantId = tenantOf(universe.plan, action.tenant);
  const messages = meta.conversations.find(phoneNumberId, contact)?.messages ?? [];
  const offer = messages.findLast((message) => buttonsOf(message).length > 0);
  const button = offer && buttonsOf(offer)[action.option];
  if (offer === undefined || button === undefined) return;
  for (let nth = 0; nth < action.times; nth += 1)
    world.timers.after(1 + nth * action.everyMs, () => {
      const content = { type: 'buttonReply', id: button, replyTo: offer.wamid } as const;
      const { wamid } = meta.inbound.say({ phoneNumberId, contact, ...content }, universe.nowMs());
      journal.note({ kind: 'said', wamid, contact, tenantId, phoneNumberId, type: 'tap', text: '', button });
      universe.link.pump();
    });
}

interface Offer {
  action?: { buttons?: { reply?: { id?: string } }[] };
}

const buttonsOf = ({ body }: HistoryMessage): string[] =>
  ((body ?? {}) as Offer).action?.buttons?.map(({ reply }) => reply?.id ?? '') ?? [];

function tell(universe: Universe, { tenant, number, contact, fact, name }: Of<'tell'>): void {
  universe.teller.tell({
    tenantId: tenantOf(universe.plan, tenant),
    phoneNumberId: numberOf(tenant, number),
    phone: contactOf(universe, contact).phone ?? phoneOf(contact),
    ...{ fact, name },
  });
}

/** A contact is first known by phone; once its user id was shown, webhooks show either or both. */
function show({ meta, journal }: Universe, contact: Contact, what: Of<'addresses'>['show']): void {
  const at = Number(contact.id.slice(1));
  if (what !== 'phone') meta.contacts.change(contact, { userId: contact.userId ?? userIdOf(at) });
  meta.contacts.change(contact, { phoneHidden: what === 'userId' });
  journal.note({ kind: 'world', what: `webhooks show of ${contact.id}: ${what}` });
}

function changeNumber(universe: Universe, action: Of<'changeNumber'>): void {
  const contact = contactOf(universe, action.contact);
  if (contact.phoneHidden) return;
  const change = 1 + Math.floor(universe.random('numbers') * 900);
  const phone = phoneOf(action.contact, change);
  const userId = contact.userId === null ? {} : { userId: userIdOf(action.contact, change) };
  const phoneNumberId = numberOf(action.tenant, 0);
  // Every business that knows the contact is told by a message of its own; here the one that the plan names.
  universe.meta.inbound.changeAddress(
    { phoneNumberId, contact: contact.id, phone, ...userId },
    universe.nowMs(),
  );
  universe.journal.note({ kind: 'world', what: `${contact.id} changes to ${phone}` });
}

function echo(universe: Universe, { contact, tenant }: Of<'echo'>): void {
  const { id } = contactOf(universe, contact);
  universe.meta.inbound.echo(
    { phoneNumberId: numberOf(tenant, 0), contact: id, text: 'I answer this myself.' },
    universe.nowMs(),
  );
  const tenantId = tenantOf(universe.plan, tenant);
  universe.journal.note({ kind: 'operator', what: 'writes from the owner’s phone', tenantId, contact: id });
}

const commandOf = { take: 'take', reply: 'reply', handBack: 'handback' } as const;

function operate(universe: Universe, action: Of<'take' | 'reply' | 'handBack'>): void {
  const tenantId = tenantOf(universe.plan, action.tenant);
  const contact = contactOf(universe, action.contact);
  const conversationId = conversationOf(universe, tenantId, contact);
  if (conversationId === undefined) return;
  universe.journal.note({ kind: 'operator', what: action.kind, tenantId, contact: contact.id });
  const text = `I am a person (${universe.nowMs()}).`;
  void universe.command(commandOf[action.kind], { tenantId, conversationId, by: 'Ann', text });
}

function conversationOf({ rows }: Universe, tenantId: string, contact: Contact): string | undefined {
  const found = rows.get<{ conversation_id: string }>(
    `SELECT conversation_id FROM conversation JOIN contact_address USING (tenant_id, contact_id)
     WHERE tenant_id = ? AND merged_into IS NULL AND value IN (?, ?) ORDER BY conversation_id`,
    tenantId,
    contact.phone ?? '',
    contact.userId ?? '',
  );
  return found?.conversation_id;
}

async function resolveSends(universe: Universe, tenantId: string): Promise<void> {
  const held = universe.rows.all<{ send_id: string }>(
    `SELECT send_id FROM send WHERE tenant_id = ? AND state = 'held' ORDER BY send_id`,
    tenantId,
  );
  for (const { send_id: sendId } of held)
    await universe.command('sends.resolve', { tenantId, sendId, verdict: 'withdraw', by: 'Ann' });
}

async function redriveDeadLetters(universe: Universe, tenantId: string): Promise<void> {
  const dead = universe.rows.all<{ dead_letter_id: string }>(
    'SELECT dead_letter_id FROM dead_letter WHERE tenant_id = ? AND redriven_at_ms IS NULL ORDER BY dead_letter_id',
    tenantId,
  );
  for (const { dead_letter_id: deadLetterId } of dead)
    await universe.command('deadletters.redrive', { tenantId, deadLetterId, by: 'Ann' });
}

/** Everything that a person must do before nothing is left: all conversations go back to the bot. */
export async function handBackAll(universe: Universe): Promise<void> {
  const held = universe.rows.all<{ tenant_id: string; conversation_id: string }>(
    `SELECT tenant_id, conversation_id FROM conversation WHERE holder = 'operator' AND merged_into IS NULL
     ORDER BY tenant_id, conversation_id`,
  );
  for (const { tenant_id: tenantId, conversation_id: conversationId } of held)
    await universe.command('handback', { tenantId, conversationId, by: 'Ann' });
}
