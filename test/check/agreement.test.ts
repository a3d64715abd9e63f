/**
 * The checker and the runtime tell the same story: wherever a real turn leads, the exploration has an edge to it, and says
 * likewise whether the customer heard something. Random walks of real turns are followed in the graph.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assistant } from '#core/dialog/assistant.ts';
import { checkDialog } from '#core/dialog/check/check.ts';
import type { Configuration, Edge, Graph } from '#core/dialog/check/graph.ts';
import type { Dialog } from '#core/dialog/dialog.ts';
import type { DialogState } from '#core/dialog/dialog-state.ts';
import { answerClassOf, type EventKind, type MailboxEvent } from '#core/model/events.ts';
import { tableBooking } from '../../templates/project/dialogs/table-booking.ts';
import { shop } from '../dialog/steps/shop.ts';
import { event, turn } from '../dialog/turns.ts';
import { sound as sketch } from './planted/paid-twice.ts';
import { sound as reminder } from './planted/timer-without-exit.ts';

type Step = { kind: EventKind; text: string; code: string };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<EventKind>(
      ...(['text', 'text', 'text', 'voice', 'image', 'location', 'reaction', 'unsupported'] as const),
      ...(['activityDone', 'activityDone', 'activityFailed', 'timer', 'handedBack'] as const),
    ),
    text: fc.constantFrom(
      'hello',
      '4',
      'Ana',
      'friday',
      'yes',
      'no',
      'menu',
      'cancel',
      '1',
      'help',
      'what is it?',
    ),
    code: fc.constantFrom('deadline', 'failed', 'limitRefused'),
  }),
  { maxLength: 25 },
);

/** The step as an event of the mailbox; null where the dialog waits for nothing of this kind. */
function eventOf({ kind, text, code }: Step, state: DialogState | null): MailboxEvent | null {
  const [activityId] = Object.values(state?.activities ?? {});
  const [timer] = Object.entries(state?.timers ?? {}).filter(([, { hasFired }]) => !hasFired);
  switch (kind) {
    case 'activityDone':
      return activityId === undefined ? null : event(kind, { activityId, result: { text: 'done' } });
    case 'activityFailed':
      return activityId === undefined
        ? null
        : event(kind, { activityId, fault: { code, message: 'it failed' } });
    case 'timer':
      return timer === undefined ? null : event(kind, { timerId: timer[0], timerToken: timer[1].token });
    case 'text':
      return event(kind, { text });
    case 'voice':
    case 'image':
      return event(kind, { media: { mediaId: 'm', mimeType: 'x/y' } });
    default:
      return event(kind);
  }
}

function isSame({ happening }: Edge, { kind, content }: MailboxEvent, state: DialogState | null): boolean {
  if (kind === 'activityDone' || kind === 'activityFailed') {
    const invokeId = Object.entries(state?.activities ?? {}).find(([, id]) => id === content.activityId)?.[0];
    const isFailure = kind === 'activityFailed';
    const code = content.fault?.code;
    return (
      happening.invokeId === invokeId &&
      (happening.kind === 'failed') === isFailure &&
      (!isFailure || happening.failure === 'otherwise' || happening.failure === code)
    );
  }
  if (kind === 'timer') return happening.timerId === content.timerId;
  return happening.event.type === kind;
}

const edgesOf = (graph: Graph, at: Configuration | null) => graph.edgesFrom.get(at?.key ?? '') ?? [];
const labelIn = ({ snapshot }: DialogState): string => {
  const { status, value } = snapshot as unknown as { status: string; value: string };
  return status === 'done' ? 'the end' : value;
};

function walk(dialog: Dialog, graph: Graph, given: readonly Step[]): void {
  let possible: (Configuration | null)[] = [null];
  let stored: string | null = null;
  const told: string[] = [];
  for (const step of given) {
    const state = stored === null ? null : (JSON.parse(stored) as DialogState);
    const next = eventOf(step, state?.snapshot === null ? null : state);
    // Only a message that wants an answer begins a dialog.
    const isUnderWay = possible.some((at) => at !== null && !at.isFinal);
    if (next === null || (!isUnderWay && answerClassOf[next.kind] !== 'answer')) continue;
    const output = turn(dialog, [next], { stored });
    stored = output.state;
    const after = JSON.parse(stored) as DialogState;
    if (after.snapshot === null) {
      possible = [null];
      continue;
    }
    const before = possible.map((each) => (each?.isFinal ? null : each));
    const reached = before.flatMap((at) => edgesOf(graph, at).filter((edge) => isSame(edge, next, state)));
    const drained = reached.flatMap(({ to }) => [
      to,
      ...edgesOf(graph, to).flatMap((edge) => (edge.happening.kind === 'drained' ? [edge.to] : [])),
    ]);
    told.push(`${next.kind} ${next.content.text ?? next.content.fault?.code ?? ''} -> ${labelIn(after)}`);
    possible = [...new Set(drained)].filter((each) => each?.label === labelIn(after));
    expect(possible.length, told.join('\n')).toBeGreaterThan(0);
  }
}

test.each([assistant, tableBooking, shop, sketch, reminder])(
  '$name goes where the checker says',
  (dialog) => {
    const { graph } = checkDialog(dialog);
    fc.assert(
      fc.property(steps, (given) => walk(dialog, graph, given)),
      { numRuns: 150 },
    );
  },
);
