/** The page of the contact against the store: where addresses lead, cell by cell. */
import { describe, expect } from 'vitest';
import type { AddressChange, Sender } from '#core/model/events.ts';
import { parseWebhook } from '#pipeline/webhook/parse.ts';
import { accepted, nth, phoneNumber } from '#testing/store-conformance/scene.ts';
import type { Row, Stage } from './stage.ts';
import { type Attempt, type Lifecycle, Untried, type Way, walk, walksEveryStatement } from './walk.ts';

const phone = '15550001111';
const bsuid = 'US.1';
const parentBsuid = 'US.ENT.1';
const newPhone = '15550002222';
const newBsuid = 'US.2';

function ownerOf(stage: Stage, kind: 'phone' | 'bsuid' | 'parentBsuid', value: string): string | null {
  const sql =
    "SELECT contact_id FROM contact_address WHERE tenant_id = 'acme' AND waba_id = 'waba' AND kind = ? AND value = ?";
  const row = stage.row(sql, kind, value);
  return row === undefined ? null : String(row.contact_id);
}

/** Whether ids other than `except` lead to the contact. */
function hasId(stage: Stage, contactId: string, except: string): boolean {
  const sql = "SELECT 1 FROM contact_address WHERE contact_id = ? AND kind = 'bsuid' AND value <> ?";
  return stage.row(sql, contactId, except) !== undefined;
}

/** The states of the first table: where a phone and an id lead. */
function whereLead(stage: Stage, ofPhone: string, ofId: string): string {
  const byPhone = ownerOf(stage, 'phone', ofPhone);
  const byId = ownerOf(stage, 'bsuid', ofId);
  if (byPhone === null) return byId === null ? 'nobody' : 'id';
  if (byPhone === byId) return 'one';
  const isOthers = hasId(stage, byPhone, ofId);
  if (byId === null) return isOthers ? 'recycled' : 'phone';
  return isOthers ? 'rivals' : 'two';
}

/** All contacts at once: how many, which were merged away, which have no phone to answer to. */
function contacts(stage: Stage): Row {
  return {
    ...stage.row(`SELECT count(*) AS made, count(merged_into) AS merged, group_concat(contact_id) AS ids,
      group_concat(iif(phone IS NULL, contact_id, NULL)) AS phoneless FROM contact`),
  };
}

const idsIn = (row: Row | undefined, column: string) => String(row?.[column] ?? '').split(',');

function marksOf(before: Row | undefined, after: Row | undefined): string[] {
  const had = idsIn(before, 'ids').filter((id) => !idsIn(before, 'phoneless').includes(id));
  return [
    ...(Number(after?.made) > Number(before?.made) ? ['new'] : []),
    ...(Number(after?.merged) > Number(before?.merged) ? ['merged'] : []),
    ...(had.some((id) => idsIn(after, 'phoneless').includes(id)) ? ['loses'] : []),
  ];
}

/** Ways into the states of the first table, for any phone and id. */
function relations(ofPhone: string, ofId: string): Record<string, (stage: Stage) => Promise<unknown>> {
  const say = (stage: Stage, from: Sender) => stage.say('hello', { from });
  const sayBoth = async (stage: Stage, first: Sender, second: Sender) => {
    await say(stage, first);
    await say(stage, second);
  };
  return {
    nobody: async () => undefined,
    phone: (stage) => say(stage, { phone: ofPhone }),
    recycled: (stage) => say(stage, { phone: ofPhone, bsuid: 'US.9' }),
    id: (stage) => say(stage, { bsuid: ofId }),
    one: (stage) => say(stage, { phone: ofPhone, bsuid: ofId }),
    two: (stage) => sayBoth(stage, { phone: ofPhone }, { bsuid: ofId }),
    rivals: (stage) =>
      sayBoth(stage, { phone: ofPhone, bsuid: 'US.9' }, { bsuid: ofId, phone: '15550009999' }),
  };
}

// --- messages and answers -------------------------------------------------------------------------------------------

type NoSubject = Record<string, never>;
/** Somebody else has the customer's username. */
type Namesake = Partial<{ namesake: boolean }>;
type Try = Attempt<NoSubject, Namesake>;

const says = (from: Sender, number = phoneNumber()): Try => ({
  apply: (stage) => stage.append({ ...stage.message('hello', { from, number }) }),
});

/** What Meta sends of a message that names nobody: it becomes no item, so nothing is appended. */
async function namesNobody(stage: Stage) {
  const message = { id: 'wamid.1', timestamp: '1790000000', type: 'text', text: { body: 'hi' } };
  const value = { metadata: { phone_number_id: '100' }, messages: [message] };
  const body = { entry: [{ id: 'waba', changes: [{ field: 'messages', value }] }] };
  const parsed = parseWebhook(JSON.stringify(body), stage.nowMs);
  expect([parsed.items.length, parsed.problems.length]).toEqual([0, 1]);
}

/** A send to the contact of one address is accepted, and the answer names another. */
async function answered(stage: Stage, to: Sender, names: { waId?: string; bsuid?: string }) {
  const address = to.phone ?? to.bsuid ?? '';
  const find = (phoneNumberId: string) =>
    stage.store.findConversation({ tenantId: 'acme', phoneNumberId, address });
  const ref = (await find('100')) ?? (await find('200'));
  if (ref === null) throw new Untried('there is nobody to send to');
  const sends = [stage.newSend('a person here', { origin: 'operator' })];
  const replied = await stage.store.replyAsOperator({ ref, by: 'ann', sends, nowMs: stage.nowMs });
  const granted = await stage.leave(nth(replied.sends, 0));
  await stage.settle(granted, accepted('wamid.out', names.waId ?? null, names.bsuid ?? null));
}

const messages: Lifecycle<NoSubject, Namesake>['inputs'] = {
  'message with the phone': says({ phone }),
  'message with the id': says({ bsuid }),
  'message with both': says({ phone, bsuid }),
  'message with both, a username that another has': {
    ...says({ phone, bsuid, username: 'noor' }),
    given: { namesake: true },
  },
  'message with neither': { apply: namesNobody },
  'message with both, to another waba': {
    async apply(stage) {
      const number = phoneNumber({}, { phoneNumberId: '200', wabaId: 'other' });
      await stage.appendTo(number, stage.message('hello', { from: { phone, bsuid }, number }));
    },
  },
  'answer to the id names the phone': { apply: (stage) => answered(stage, { bsuid }, { waId: phone }) },
  'answer to the phone names the id': { apply: (stage) => answered(stage, { phone }, { bsuid }) },
  'an erasure of all of them': { apply: (stage) => stage.erase(phone, bsuid) },
  retention: { apply: (stage) => stage.retention() },
};

const waysInto =
  (reach: (stage: Stage) => Promise<unknown>): Way<NoSubject, Namesake> =>
  async (stage, given) => {
    if (given.namesake) await stage.say('hello', { from: { bsuid: 'US.namesake', username: 'noor' } });
    await reach(stage);
    return {};
  };

/** The phone is known on a number of ours on which the id has never written. */
async function twoOnTwoNumbers(stage: Stage) {
  await stage.say('hello', { from: { phone }, number: phoneNumber({}, { phoneNumberId: '200' }) });
  await stage.say('hello', { from: { bsuid } });
}

const ways = relations(phone, bsuid);

walk<NoSubject, Namesake>({
  page: 'contact',
  table: 'input',
  states: {
    ...Object.fromEntries(Object.entries(ways).map(([state, reach]) => [state, waysInto(reach)])),
    two: [waysInto(ways.two ?? twoOnTwoNumbers), waysInto(twoOnTwoNumbers)],
  },
  inputs: messages,
  stateOf: (stage) => whereLead(stage, phone, bsuid),
  rowOf: contacts,
  marksOf,
});

// --- parent ids -----------------------------------------------------------------------------------------------------

interface Child {
  sender: Sender;
}

type ChildGiven = Partial<{ known: boolean; by: Sender }>;

const withParent =
  (reach: (stage: Stage, by: Sender) => Promise<unknown>): Way<Child, ChildGiven> =>
  async (stage, { known = false, by = { bsuid } }) => {
    if (known) await stage.say('hello', { from: by });
    await reach(stage, by);
    return { sender: by };
  };

const tells = (known: boolean, by: Sender): Attempt<Child, ChildGiven> => ({
  given: { known, by },
  apply: (stage) => stage.append(stage.message('hello', { from: { ...by, parentBsuid } })),
});

/** The contact to which the other address leads. */
function ownOf(stage: Stage, sender: Sender): string | null {
  if (sender.bsuid !== undefined) return ownerOf(stage, 'bsuid', sender.bsuid);
  return ownerOf(stage, 'phone', sender.phone ?? '');
}

function whereLeadsParent(stage: Stage, { sender }: Child): string {
  const byParent = ownerOf(stage, 'parentBsuid', parentBsuid);
  if (byParent === null) return 'nobody';
  if (byParent === ownOf(stage, sender)) return 'own';
  return hasId(stage, byParent, '') ? 'otherId' : 'noId';
}

walk<Child, ChildGiven>({
  page: 'contact',
  table: 'input with a parent id',
  states: {
    nobody: withParent(async () => undefined),
    noId: withParent((stage) => stage.say('hello', { from: { phone: newPhone, parentBsuid } })),
    otherId: withParent((stage) => stage.say('hello', { from: { bsuid: 'US.9', parentBsuid } })),
    own: async (stage, { known = false, by = { bsuid } }) => {
      if (!known) throw new Untried('an address that leads nowhere has no contact');
      await stage.say('hello', { from: { ...by, parentBsuid } });
      return { sender: by };
    },
  },
  inputs: {
    'message with a new id': tells(false, { bsuid }),
    'message with a known id': tells(true, { bsuid }),
    'message with a new phone': tells(false, { phone }),
    'message with a known phone': tells(true, { phone }),
  },
  stateOf: whereLeadsParent,
  rowOf: (stage, { sender }) => ({
    ...contacts(stage),
    parent: ownerOf(stage, 'parentBsuid', parentBsuid),
    own: ownOf(stage, sender),
  }),
  /** Found: the message went where nothing but the parent id led. */
  marksOf(before, after) {
    const isFound = before?.parent !== null && before?.own === null && before?.parent === after?.parent;
    return [...marksOf(before, after), ...(isFound ? ['found'] : [])];
  },
});

// --- announced changes ----------------------------------------------------------------------------------------------

interface Changed {
  /** The addresses that the announcement names as new. */
  names: Sender;
}

type ChangedGiven = Partial<{ names: Sender; stranger: boolean; givenAway: boolean }>;

const both: Sender = { phone: newPhone, bsuid: newBsuid };

/** `own` where every new address leads to the contact of the old id, else where they lead. */
function whereLeadNew(stage: Stage, { names }: Changed): string {
  const own = ownerOf(stage, 'bsuid', bsuid);
  const isOwn =
    (names.phone === undefined || ownerOf(stage, 'phone', names.phone) === own) &&
    (names.bsuid === undefined || ownerOf(stage, 'bsuid', names.bsuid) === own);
  return own !== null && isOwn ? 'own' : whereLead(stage, newPhone, newBsuid);
}

const announce = (stage: Stage, from: Sender, change: AddressChange) => {
  const content = { system: { type: 'user_changed_number', change } };
  return stage.append(stage.message('', { from, kind: 'system', content }));
};

/** The change; and the old addresses still lead to the customer, since messages from them may come late. */
const announces = (
  change: AddressChange,
  given: { from?: Sender; stranger?: boolean; givenAway?: boolean } = {},
): Attempt<Changed, ChangedGiven> => {
  const { from = { phone, bsuid }, stranger = false, givenAway = false } = given;
  const names: Sender = {
    ...(change.newPhone === undefined ? {} : { phone: change.newPhone }),
    ...(change.newBsuid === undefined ? {} : { bsuid: change.newBsuid }),
  };
  return {
    given: { names, stranger, givenAway },
    async apply(stage) {
      await announce(stage, from, change);
      const isOwn = ownerOf(stage, 'phone', phone) === ownerOf(stage, 'bsuid', bsuid);
      expect(isOwn, 'the old phone').toBe(!givenAway);
    },
  };
};

const customerThen =
  (reach: (stage: Stage) => Promise<unknown>): Way<Changed, ChangedGiven> =>
  async (stage, { names = both, stranger = false, givenAway = false }) => {
    if (!stranger) await stage.say('hello', { from: { phone, bsuid } });
    if (givenAway) await stage.say('mine now', { from: { phone, bsuid: 'US.8' } });
    await reach(stage);
    return { names };
  };

const numberOnly = { oldPhone: phone, newPhone };
const idOnly = { oldBsuid: bsuid, newBsuid };

walk<Changed, ChangedGiven>({
  page: 'contact',
  table: 'announced change',
  states: {
    ...Object.fromEntries(
      Object.entries(relations(newPhone, newBsuid)).map(([state, reach]) => [state, customerThen(reach)]),
    ),
    own: async (stage, { names = both, stranger = false, givenAway = false }) => {
      if (stranger) throw new Untried('who has these addresses is no stranger');
      await stage.say('hello', { from: { phone, bsuid } });
      if (givenAway) await stage.say('mine now', { from: { phone, bsuid: 'US.8' } });
      await announce(stage, { phone, bsuid }, { ...numberOnly, ...idOnly });
      return { names };
    },
  },
  inputs: {
    number: announces(numberOnly),
    'number, by a webhook without ids': announces(numberOnly, { from: { phone } }),
    id: announces(idOnly),
    'number and id': announces({ ...numberOnly, ...idOnly }),
    'number and id, the old phone is another’s by now': announces(
      { ...numberOnly, ...idOnly },
      { givenAway: true },
    ),
    'number and id, of a stranger': announces({ ...numberOnly, ...idOnly }, { stranger: true }),
  },
  stateOf: whereLeadNew,
  rowOf: contacts,
  marksOf,
});

describe('contacts', () => {
  walksEveryStatement('contact');
  walksEveryStatement('contact_address');
  walksEveryStatement('conversation', ['contact_id']);
});
