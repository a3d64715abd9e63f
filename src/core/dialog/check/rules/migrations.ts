/**
 * A migration hole: a state of an earlier version whose conversations would have to begin anew. Each state that the dialog
 * lists as `earlier` is restored as the runtime would do it, with the sample context that stands there. What a deployment
 * really meets in the store is told by `nightdesk check --live`.
 */
import type { Dialog, EarlierState } from '../../dialog.ts';
import type { DialogState } from '../../dialog-state.ts';
import { landingOf, restore } from '../../versions.ts';
import { labelOfValue } from '../configurations.ts';
import type { Finding } from '../finding.ts';

export function migrationHoles(dialog: Dialog): Finding[] {
  return [...landing(dialog), ...(dialog.earlier ?? []).flatMap((each) => hole(dialog, each))];
}

function landing(dialog: Dialog): Finding[] {
  const { landing: name } = dialog;
  if (name === undefined) return [];
  const node = landingOf(dialog);
  if (node !== null && node.invoke.length === 0) return [];
  return [
    {
      rule: 'migration',
      severity: 'error',
      where: name,
      says:
        node === null
          ? `The landing state "${name}" does not exist.`
          : `The landing state "${name}" waits for an activity, and landing starts none.`,
      todo: 'Name a state that waits for the customer.',
      transcript: [],
    },
  ];
}

function hole(dialog: Dialog, earlier: EarlierState): Finding[] {
  const { version, value } = earlier;
  const label = labelOfValue(value);
  const problem = problemOfMigrate(dialog, earlier);
  const { how } = restore(dialog, storedOf(dialog, earlier), 0);
  if (how !== 'lost' && problem === null) return [];
  const outcome =
    how === 'lost'
      ? 'its conversations begin anew'
      : `its conversations go to ${dialog.landing ?? 'their old state'}`;
  const because =
    problem ??
    'it does not exist any more, or invokes other activities, or its context does not fit the schema';
  return [
    {
      rule: 'migration',
      severity: 'error',
      where: `${label} of version ${version}`,
      says: `The state ${label} of version ${version} has no place in version ${dialog.version}: ${because}, so ${outcome}.`,
      todo: 'Let migrate lead it to a state of this version, or declare a landing state.',
      transcript: [],
    },
  ];
}

function storedOf(dialog: Dialog, { version, value, context = {}, running = {} }: EarlierState): string {
  const children = Object.fromEntries(
    Object.entries(running).map(([id, src]) => [id, { src, snapshot: { status: 'active' } }]),
  );
  const state = {
    dialog: dialog.name,
    version,
    snapshot: { status: 'active', value, context, children, historyValue: {} },
    activities: Object.fromEntries(Object.keys(running).map((id) => [id, `act_${id}`])),
    timers: {},
  } as unknown as DialogState;
  return JSON.stringify(state);
}

/** What is wrong with what `migrate` says of a state; null where it says nothing, or what can be. */
function problemOfMigrate(dialog: Dialog, earlier: EarlierState): string | null {
  const { version, value, context = {} } = earlier;
  if (dialog.migrate === undefined || version === dialog.version) return null;
  let migrated: ReturnType<NonNullable<Dialog['migrate']>>;
  try {
    migrated = dialog.migrate({ version, value, context });
  } catch {
    return 'migrate throws for it';
  }
  if (migrated === null) return null;
  return restore(dialog, storedOf(dialog, earlier), 0).how === 'migrated'
    ? null
    : `migrate leads it to ${labelOfValue(migrated.value)}, which does not exist, waits for an activity that does not run, or does not take the context`;
}
