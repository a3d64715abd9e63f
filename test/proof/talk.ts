/** Customers who write at random; half of them wait until their last message was acknowledged, so that an order can be told. */
import type { Simulator } from '#simulator/index.ts';
import { pause } from './server-process.ts';
import type { TownContact } from './town.ts';
import { tokenOf } from './verdict.ts';

export interface TalkOptions {
  messages: number;
  /** Said in a second, over all contacts. */
  messagesPerSecond: number;
}

export async function talk(
  simulator: Simulator,
  contacts: readonly Pick<TownContact, 'id' | 'phoneNumberId'>[],
  options: TalkOptions,
  random: () => number,
): Promise<void> {
  const written = new Map<number, { count: number; lastIndex: number }>();
  const beginMs = Date.now();
  let said = 0;
  while (said < options.messages) {
    const due = Math.min(
      options.messages,
      Math.floor(((Date.now() - beginMs) / 1_000) * options.messagesPerSecond),
    );
    for (let tries = 0; said < due && tries < 10_000; tries++) {
      const index = Math.floor(random() * contacts.length);
      const contact = contacts[index];
      const state = written.get(index) ?? { count: 0, lastIndex: -1 };
      const last = simulator.meta.said[state.lastIndex];
      const waits = last !== undefined && last.acknowledgedAtMs === null && index % 2 === 0;
      if (contact === undefined || waits) continue;
      const message = await simulator.control.say({
        phoneNumberId: contact.phoneNumberId,
        contact: contact.id,
        type: 'text',
        text: `hello ${tokenOf(index, state.count)}`,
      });
      written.set(index, { count: state.count + 1, lastIndex: message.index });
      said += 1;
    }
    await pause(10);
  }
}

/**
 * One customer of each number writes once more: a quiet number gives no evidence about its uncertain sends, as in a town where nobody
 * writes any more.
 */
export async function stillThere(
  simulator: Simulator,
  numbers: readonly string[],
  round: number,
): Promise<void> {
  for (const [index, phoneNumberId] of numbers.entries())
    await simulator.control.say({
      phoneNumberId,
      contact: `1999${String(index).padStart(7, '0')}`,
      type: 'text',
      text: `still there ${tokenOf(index, round, 'e')}`,
    });
}
