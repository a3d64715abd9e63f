/**
 * A story: customers by name before the business numbers of a simulator, on a virtual or a live clock. The door of this
 * folder; `StoryContact` is where most of it happens.
 */
import type { Contact, ContactSpec, SimulatorClient } from '#simulator/index.ts';
import { StoryContact, type StoryNumber } from './contact.ts';
import type { Stage, StoryClock } from './stage.ts';

export interface Story {
  /** The control API: faults, the model's settings, evidence. */
  readonly control: SimulatorClient;
  readonly clock: StoryClock;
  readonly stage: Stage;
  /**
   * A customer by name: the same one for the same name, made at her first word. She writes to the first number unless
   * `at()` names another. The details count where she is not there yet; her phone follows from her name unless they
   * name one, or null.
   */
  contact(name: string, details?: Omit<ContactSpec, 'name'>): StoryContact;
  numbers(): Promise<StoryNumber[]>;
}

export function createStory(stage: Stage): Story {
  const people = new Map<string, { meet: () => Promise<Contact>; at: Map<string, StoryContact> }>();
  const numbers = async (): Promise<StoryNumber[]> =>
    (await stage.control.numbers()).map(({ id, verifiedName }) => ({ id, name: verifiedName }));

  const numberNamed = async (wanted: string): Promise<StoryNumber> => {
    const all = await stage.control.numbers();
    const found = all.find((each) =>
      wanted === '' ? true : [each.id, each.verifiedName, each.displayNumber, each.digits].includes(wanted),
    );
    if (found !== undefined) return { id: found.id, name: found.verifiedName };
    const known = all.map(({ id, verifiedName }) => `"${verifiedName}" (${id})`).join(', ');
    throw new Error(
      `There is no business number "${wanted}" at the simulator. ${all.length === 0 ? 'It has none; add one by control.setup().' : `It has ${known}.`}`,
    );
  };

  const personOf = (name: string, details: Omit<ContactSpec, 'name'>) => {
    const known = people.get(name);
    if (known !== undefined) return known;
    const person = { meet: once(() => meet(stage.control, name, details)), at: new Map() };
    people.set(name, person);
    return person;
  };

  const contactAt = (name: string, details: Omit<ContactSpec, 'name'>, number: string): StoryContact => {
    const person = personOf(name, details);
    const known = person.at.get(number);
    if (known !== undefined) return known;
    const contact = new StoryContact({
      stage,
      name,
      meet: person.meet,
      number: once(() => numberNamed(number)),
      at: (other) => contactAt(name, details, other),
    });
    person.at.set(number, contact);
    return contact;
  };

  return {
    control: stage.control,
    clock: stage.clock,
    stage,
    contact: (name, details = {}) => contactAt(name, details, ''),
    numbers,
  };
}

/** Remembers what came; a failure is not remembered, so that it can be tried again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}

async function meet(
  control: SimulatorClient,
  name: string,
  details: Omit<ContactSpec, 'name'>,
): Promise<Contact> {
  const found = (await control.contacts()).find((contact) => contact.name === name);
  if (found !== undefined) return found;
  return control.createContact({ name, phone: phoneOf(name), ...details });
}

/** The same number for the same name in every run: a US mobile, of which nobody can tell whether it exists. */
function phoneOf(name: string): string {
  let hash = 2_166_136_261;
  for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0)!, 16_777_619) >>> 0;
  return `1650${String(2_000_000 + (hash % 8_000_000))}`;
}
