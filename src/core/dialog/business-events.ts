/**
 * What the business' own systems tell a dialog. A machine gets `business.` and the name, with the data. One that its
 * state does not take changes nothing, and is not lost in silence: somebody paid, or waits for a parcel, so a person is
 * asked. A dialog that is not under way begins for it where its first state takes it.
 */
import type { AnyEventObject } from 'xstate';
import type { Effect } from '../model/effects.ts';
import type { MailboxEvent } from '../model/events.ts';
import { parseNow, type StandardSchema } from '../standard-schema.ts';
import { type BusinessDialogEvent, type Dialog, DialogRefused, type TurnEnv } from './dialog.ts';
import { begin, isUnderWay, type LiveState } from './dialog-state.ts';

export function factOf({ content, position }: MailboxEvent, env: TurnEnv): BusinessDialogEvent {
  const { name = 'unnamed', data = null } = content.business ?? {};
  return { type: `business.${name}`, data, position, env };
}

/**
 * The schemas of all dialogs of a bot, by the name of the event.
 * @throws DialogRefused where two dialogs declare one event by two schemas
 */
export function eventSchemasOf(dialogs: Iterable<Dialog>): ReadonlyMap<string, StandardSchema> {
  const schemas = new Map<string, { schema: StandardSchema; dialog: string }>();
  for (const { name: dialog, eventData = {} } of dialogs) {
    for (const [name, schema] of Object.entries(eventData)) {
      const before = schemas.get(name);
      if (before !== undefined && before.schema !== schema)
        throw new DialogRefused(
          `The dialogs ${before.dialog} and ${dialog} declare the event "${name}" by two schemas. Give both the same one.`,
        );
      schemas.set(name, { schema, dialog });
    }
  }
  return new Map([...schemas].map(([name, { schema }]) => [name, schema]));
}

/**
 * The event with its data as the dialog declares it.
 * @throws SchemaMismatch for what came by a door that does not look, or was stored before the schema was declared
 */
export function fittingFact({ eventData = {} }: Dialog, event: AnyEventObject): AnyEventObject {
  const name = event.type.replace(/^business\./, '');
  const schema = Object.hasOwn(eventData, name) ? eventData[name] : undefined;
  return schema === undefined
    ? event
    : { ...event, data: parseNow(schema, event.data, `The data of the event "${name}"`) };
}

/**
 * Whether the state that the conversation is in, or would begin in, has a transition for the event, be it an empty one: so
 * a dialog says that it wants nothing of it.
 * @throws what a guard throws
 */
export function takesFact(dialog: Dialog, live: LiveState, event: AnyEventObject): boolean {
  const underWay = isUnderWay(live) ? live.snapshot : null;
  return dialog.machine.getTransitionData(underWay ?? begin(dialog).snapshot, event).length > 0;
}

/** It answers nothing that a customer said. */
export function unheardFact({ content }: MailboxEvent): Effect {
  const detail = `the dialog has no answer to the event "${content.business?.name ?? 'unnamed'}" of the business`;
  return { type: 'flag', reason: 'businessEvent', detail, answersThrough: 0 };
}
