/** What customers of a town tap: buttons and rows that they were sent. */
import type { SaidMessage } from '#simulator/index.ts';
import type { Town } from './town.ts';

/** The id of the newest button or row with this title, as it was minted. */
export function optionId(town: Town, title: string): string {
  const offered = town.events('sendAccepted').flatMap(({ body }) => {
    const told = JSON.stringify(body);
    return [...told.matchAll(/"id":"(nd\.[^"]+)","title":"([^"]+)"/g)];
  });
  return offered.findLast(([, , each]) => each === title)?.[1] ?? '';
}

/** Taps it, or one with an id of its own, and lets the bot answer. */
export async function tap(
  town: Town,
  contact: string,
  title: string,
  {
    id = optionId(town, title),
    type = 'buttonReply',
  }: { id?: string; type?: 'buttonReply' | 'listReply' } = {},
): Promise<SaidMessage> {
  const said = town.say(contact, title, { type, id, title });
  await town.world.advance(5_000);
  return said;
}
