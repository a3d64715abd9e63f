/**
 * The one function that defines a dialog: of steps, which write the branches that people forget, or of an XState machine
 * as it stands. Both are checked the same way, and both are a `Dialog` to the runtime.
 */
import type { OutputOf, StandardSchema } from '../standard-schema.ts';
import { type Dialog, defineDialog as defineMachine, type EventSchemas, type GivenDialog } from './dialog.ts';
import { dialogOfSteps } from './steps/build.ts';
import type { StepsSpec } from './steps/spec.ts';

/** @throws DialogRefused */
export function defineDialog(dialog: GivenDialog): Dialog;
export function defineDialog<
  S extends StandardSchema,
  const K extends string = never,
  E extends EventSchemas = EventSchemas,
>(spec: StepsSpec<S, K, OutputOf<S>, E>): Dialog;
export function defineDialog(given: GivenDialog | StepsSpec<StandardSchema, string>): Dialog {
  return 'machine' in given ? defineMachine(given) : dialogOfSteps(given as never);
}
