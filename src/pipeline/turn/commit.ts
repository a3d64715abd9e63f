/**
 * From a turn's output to the one transaction that makes it durable: effects become rows, and every event that wanted
 * an answer gets its end. A flag claims what it answers before a send does: a fallback text does not count as an answer.
 */
import type { ActivityCost } from '#core/dialog/cost.ts';
import type { ActivityDeclaration, Dialog } from '#core/dialog/dialog.ts';
import type { TurnOutput } from '#core/dialog/run-turn.ts';
import type { Effect } from '#core/model/effects.ts';
import type { IdPrefix } from '#core/model/ids.ts';
import type { NewSend } from '#core/model/sends.ts';
import type { NewActivity, TakenConversation, TurnCommit } from '#core/ports/store.ts';
import type { ReservedCost } from '#core/ports/store-money.ts';
import type { PhoneNumber } from '#core/ports/tenants.ts';

export interface CommitInput {
  taken: TakenConversation;
  output: TurnOutput;
  dialog: Dialog;
  number: PhoneNumber;
  nowMs: number;
  newId(prefix: IdPrefix): string;
  runHere: boolean;
}

type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>;

export function commitOf(input: CommitInput): TurnCommit {
  const { taken, output, nowMs } = input;
  const of = <T extends Effect['type']>(type: T) =>
    output.effects.filter((effect): effect is EffectOf<T> => effect.type === type);
  const lastPosition = Math.max(0, ...output.consumed.map((each) => each.position));
  const sends = of('send').map((effect) => ({ effect, send: newSend(input, effect) }));
  const flags = of('flag').map((effect) => ({ effect, flagId: input.newId('flg') }));
  return {
    lease: taken.lease,
    nowMs,
    dialogState: output.state,
    stateLabel: output.stateLabel,
    consumed: output.consumed,
    sends: sends.map((each) => each.send),
    activities: of('startActivity').map((effect) => newActivity(input, effect)),
    cancelledActivities: of('cancelActivity').map((effect) => effect.activityId),
    timers: of('setTimer').map(({ timerId, token, delayMs }) => ({
      timerId,
      token,
      dueAtMs: nowMs + delayMs,
    })),
    cancelledTimers: of('cancelTimer').map((effect) => effect.timerId),
    flags: flags.map(({ effect, flagId }) => ({
      flagId,
      reason: effect.reason,
      detail: effect.detail ?? null,
    })),
    deadLetters: output.deadLetters.map(({ position, fault }) => ({
      deadLetterId: input.newId('dlt'),
      position,
      fault,
    })),
    ends: [
      ...flags.map(({ effect, flagId }) => ({
        end: 'flagged' as const,
        endRef: flagId,
        ...reachOf(effect, lastPosition),
      })),
      ...of('noAnswer').map((effect) => ({
        end: 'noAnswerNeeded' as const,
        endRef: effect.rule,
        ...reachOf(effect, lastPosition),
      })),
      ...sends.map(({ effect, send }) => ({
        end: 'answered' as const,
        endRef: send.sendId,
        ...reachOf(effect, lastPosition),
      })),
    ],
    handOff: of('handOff').length > 0,
    fallbackSent: output.fallbackSent,
    runHere: input.runHere,
  };
}

/** Which of the events that await an answer have their end by it. */
function reachOf(
  { answersThrough, unseen }: EffectOf<'send' | 'flag' | 'noAnswer'>,
  lastPosition: number,
): Pick<TurnCommit['ends'][number], 'through' | 'unseen'> {
  return { through: answersThrough ?? lastPosition, ...(unseen === undefined ? {} : { unseen }) };
}

function newSend(input: CommitInput, effect: EffectOf<'send'>): NewSend {
  return {
    sendId: input.newId('snd'),
    body: effect.body,
    ...(effect.ifWindowClosed === undefined ? {} : { ifWindowClosed: effect.ifWindowClosed }),
    ...(effect.quoteWamid === undefined ? {} : { quoteWamid: effect.quoteWamid }),
    origin: effect.fallback === true ? 'fallback' : 'dialog',
    priority: 'reply',
    uncertainPolicy: effect.uncertainPolicy ?? input.number.settings.uncertain ?? 'resendOnEvidence',
  };
}

function newActivity(input: CommitInput, effect: EffectOf<'startActivity'>): NewActivity {
  const declaration = input.dialog.activities[effect.name];
  if (declaration === undefined)
    throw new Error(`Dialog ${input.dialog.name} started "${effect.name}", which it does not declare.`);
  const { settings } = input.number;
  return {
    activityId: effect.activityId,
    name: effect.name,
    input: effect.input,
    deadlineMs: declaration.deadlineMs(settings),
    claims: declaration.claims?.(settings, input.taken.contactId) ?? [],
    ...(declaration.cost === undefined ? {} : { cost: reservedCost(declaration, declaration.cost) }),
  };
}

function reservedCost(declaration: ActivityDeclaration, cost: ActivityCost): ReservedCost {
  const { onUncertain = 'settleAndFlag', late = 'discard' } = declaration;
  return { ...cost, onUncertain, late };
}
