/**
 * Questions in the middle of a purchase. They are answered by the assistant's `reply` while the dialog stays in its state,
 * with its timers and its buttons: the activity is spawned, not invoked. What is asked while an answer is being made is
 * answered together with what was asked before. After the answer the dialog's own question is asked again.
 */
import { spawnChild, stopChild } from 'xstate';
import type { ReplyInput, ReplyOutput } from '../assistant.ts';
import { wordsOfNumber } from '../fallback.ts';
import {
  type BuiltStep,
  type Config,
  envOf,
  messageIn,
  type Own,
  type Scope,
  type Seen,
  textBodies,
  type Way,
  wordsIn,
} from './scope.ts';
import { questionWords } from './texts.ts';
import { beginsWith, plain } from './words.ts';

const child = 'assistant';

const outputOf = ({ event }: Seen) => (event as { output: ReplyOutput }).output;
const through = ({ context }: Seen): number => context.nd.asked?.through ?? 0;

/** A question by its mark, or, where no free words are expected, by how it begins. */
export function isQuestion(event: unknown, questions: BuiltStep['questions']): boolean {
  const words = wordsIn(event);
  if (words.includes('?') || words.includes('¿')) return plain(words).length > 3;
  return questions === 'plain' && plain(words).split(' ').length >= 3 && beginsWith(words, questionWords);
}

/** The actions of the assistant, by name, for every state of the dialog. */
export function nameActions(scope: Scope, about: string | undefined): void {
  scope.act(
    'ask the assistant',
    spawnChild('reply', {
      id: child,
      input: ({ context }: { context: unknown }): ReplyInput => {
        const { asked } = (context as { nd: Own }).nd;
        const { after = 0, through: last = 0 } = asked ?? {};
        return { after, through: last, ...(about === undefined ? {} : { about }) };
      },
    }),
  );
  scope.act('leave the assistant', stopChild(child));
}

/** The way by which a question is sent on. What an answer was being made to is asked again with it, all in one. */
export function askingWays(asks: (seen: Seen) => boolean, scope: Scope): Way[] {
  const note = scope.remember('note the question', ({ context: { nd }, event }) => {
    const { position } = messageIn(event);
    // A batch is seen by WhatsApp's time, so the first question seen need not stand first in the mailbox.
    const after = Math.min(position - 1, nd.asked?.after ?? position);
    return {
      nd: { ...nd, asked: { after, through: Math.max(position, nd.asked?.through ?? 0), step: nd.step } },
    };
  });
  const typing = {
    type: 'markRead',
    params: ({ context }: Seen) => ({ wamid: context.nd.wamid ?? '', typing: true }),
  };
  const guard = scope.guard('is a question', asks);
  return [{ guard, actions: ['note the message', note, 'leave the assistant', 'ask the assistant', typing] }];
}

/** What becomes of an answer. `again` is the question of the step that waits now. */
export function answerWays(
  scope: Scope,
  again: (seen: Seen) => ReturnType<BuiltStep['prompt']>,
): Config['on'] {
  const answer = scope.sayingWith((seen) => ({
    bodies: textBodies(
      outputOf(seen).text.trim() ||
        wordsOfNumber(
          envOf(seen.event).settings.handOffText,
          scope.teller.told(seen),
          scope.teller.own(seen, 'human'),
        ),
    ),
    answersThrough: through(seen),
  }));
  const noAnswer = scope.sayingWith((seen) => ({
    bodies: textBodies(scope.teller.own(seen, 'noAnswer')),
    answersThrough: through(seen),
  }));
  const flag = (reason: 'customerAsked' | 'replyFailed', detail: (seen: Seen) => string) => ({
    type: 'flag',
    params: (seen: Seen) => ({ reason, detail: detail(seen), answersThrough: through(seen) }),
  });
  // A busy step has said already that it is still working.
  const repeats = scope.guard('waits for the same answer', (seen) => {
    const { asked, step } = seen.context.nd;
    return asked?.step === step && again(seen).length > 0;
  });
  const repeat = scope.saying(again);
  const last = ['leave the assistant', 'forget the questions'];
  const ends = (actions: unknown[]): Way[] => [
    { guard: repeats, actions: [...actions, repeat, ...last] },
    { actions: [...actions, ...last] },
  ];
  const isEmpty = scope.guard('has no words', (seen) => outputOf(seen).text.trim() === '');
  const handsOff = scope.guard('hands off', (seen) => outputOf(seen).handOff !== undefined);
  const asked = flag('customerAsked', (seen) => outputOf(seen).handOff?.reason ?? '');
  return {
    [`xstate.done.actor.${child}`]: [
      {
        guard: handsOff,
        actions: [answer, asked, { type: 'handOff', params: {} }, ...last],
      },
      {
        guard: isEmpty,
        actions: [flag('replyFailed', () => 'the model gave an empty answer'), noAnswer, ...last],
      },
      ...ends([answer]),
    ],
    [`xstate.error.actor.${child}`]: ends([
      flag('replyFailed', ({ event }) => (event as { error: { message: string } }).error.message),
      noAnswer,
    ]),
  };
}
