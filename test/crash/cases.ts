/**
 * What must come of a death at each point, as data. If nothing is said: both messages of the customer are answered once
 * each, the model is asked once about the first one, nobody is asked for help. A second call of the model is allowed where
 * the first one may have cost and its answer died with the process; a send is held for a person where nobody can know
 * whether Meta has it. To add a point, give it a case; the type demands it.
 */
import type { CrashPoint } from '#core/ports/crash-points.ts';
import type { SceneName } from './scenes.ts';

export interface CrashCase {
  scene: SceneName;
  /** Which arrival at the point is the last thing of the process; 1 if absent. */
  arrival?: number;
  /** What is different here, in a few words, where one point has several cases. */
  where?: string;
  expect?: Partial<Expected>;
}

export interface Expected {
  answered: number;
  held: number;
  /** Calls of the model that carry the first message, at least and at most. */
  modelCalls: readonly [number, number];
  /** Flags of the conversation that are open in the end. */
  flags: readonly string[];
  /** Whether the command that died had been done; null where there was none. */
  commandDone: boolean | null;
}

export const usual: Expected = {
  answered: 2,
  held: 0,
  modelCalls: [1, 1],
  flags: [],
  commandDone: null,
};

const noModel = { modelCalls: [0, 0] } as const;
const asksAgain = { modelCalls: [2, 2] } as const;
const done = { ...noModel, commandDone: true } as const;
const notDone = { ...noModel, commandDone: false } as const;

const message = (expect: Partial<Expected> = {}): CrashCase[] => [{ scene: 'message', expect }];
const alone = (expect: Partial<Expected> = {}): CrashCase[] => [{ scene: 'loneMessage', expect }];
const twoTurns: CrashCase[] = [
  { scene: 'loneMessage', where: 'the turn that asks the model' },
  { scene: 'modelAsked', where: 'the turn that answers' },
];
const scripted = (scene: SceneName, expect: Partial<Expected> = {}): CrashCase[] => [
  { scene, expect: { ...noModel, ...expect } },
];
/** The model may not have been asked yet when the read receipt is shown. */
const receipt: CrashCase[] = [{ scene: 'messageWithReceipt', expect: { modelCalls: [1, 2] } }];
const voiceNote: CrashCase[] = [{ scene: 'voiceNote' }];

export const cases: Readonly<Record<CrashPoint, readonly CrashCase[]>> = {
  'migrate.beforeCommit': [{ scene: 'firstStart', expect: { answered: 1 } }],
  'migrate.afterCommit': [{ scene: 'firstStart', expect: { answered: 1 } }],
  'rescue.beforeCommit': [{ scene: 'takenOver', expect: asksAgain }],
  'rescue.afterCommit': [{ scene: 'takenOver', expect: asksAgain }],
  'renewLeases.beforeCommit': [{ scene: 'longThought', expect: asksAgain }],
  'renewLeases.afterCommit': [{ scene: 'longThought', expect: asksAgain }],
  'holdAfterRestore.beforeCommit': scripted('restored'),
  'holdAfterRestore.afterCommit': scripted('restored'),
  'applyTenants.beforeCommit': scripted('numberOfNobody', notDone),
  'applyTenants.afterCommit': scripted('numberOfNobody', done),
  'append.beforeCommit': alone(),
  'append.afterCommit': alone(),
  'recordStatuses.beforeCommit': message(),
  'recordStatuses.afterCommit': message(),
  'takeConversations.beforeCommit': twoTurns,
  'takeConversations.afterCommit': twoTurns,
  'commitTurn.beforeCommit': twoTurns,
  'commitTurn.afterCommit': twoTurns,
  'releaseLease.beforeCommit': scripted('dialogMissing'),
  'releaseLease.afterCommit': scripted('dialogMissing'),
  'beginAttempt.beforeCommit': scripted('bought'),
  'beginAttempt.afterCommit': scripted('bought'),
  'endAttempt.beforeCommit': scripted('boughtAtTheSecondTry'),
  'endAttempt.afterCommit': scripted('boughtAtTheSecondTry'),
  'settleActivity.beforeCommit': [...alone(asksAgain), ...scripted('bought')],
  'settleActivity.afterCommit': [...alone(), ...scripted('bought')],
  'fireTimers.beforeCommit': scripted('reminder'),
  'fireTimers.afterCommit': scripted('reminder'),
  'grantSends.beforeCommit': message(),
  'grantSends.afterCommit': [
    {
      scene: 'quietNumber',
      where: 'nothing else is heard of the number',
      expect: { ...noModel, answered: 1, held: 1, flags: ['sendUncertain'] },
    },
    { scene: 'busyNumber', where: 'later sends are heard of', expect: { ...noModel, answered: 6 } },
  ],
  'grantReceipt.beforeCommit': receipt,
  'grantReceipt.afterCommit': receipt,
  'settleSends.beforeCommit': message(),
  'settleSends.afterCommit': [
    { scene: 'message', where: 'the whole answer' },
    { scene: 'longMessage', where: 'the first part of an answer' },
  ],
  'resolveUncertain.beforeCommit': scripted('uncertainSend'),
  'resolveUncertain.afterCommit': scripted('uncertainSend'),
  'findWork.beforeCommit': [{ scene: 'takenOver', expect: asksAgain }],
  'findWork.afterCommit': [{ scene: 'takenOver', expect: asksAgain }],
  'prune.beforeCommit': scripted('oldRows'),
  'prune.afterCommit': scripted('oldRows'),
  'noteFile.beforeCommit': scripted('drawn'),
  'noteFile.afterCommit': scripted('drawn'),
  'noteUpload.beforeCommit': scripted('drawn'),
  'noteUpload.afterCommit': scripted('drawn'),
  'forgetFile.beforeCommit': scripted('oldFile'),
  'forgetFile.afterCommit': scripted('oldFile'),
  'resolveFlags.beforeCommit': scripted('resolveFlags', notDone),
  'resolveFlags.afterCommit': scripted('resolveFlags', done),
  'takeOver.beforeCommit': scripted('take', notDone),
  'takeOver.afterCommit': scripted('take', done),
  'replyAsOperator.beforeCommit': scripted('reply', notDone),
  'replyAsOperator.afterCommit': scripted('reply', done),
  'handBack.beforeCommit': scripted('handBack', notDone),
  'handBack.afterCommit': scripted('handBack', done),
  'redriveDeadLetter.beforeCommit': scripted('redrive', { ...notDone, flags: ['deadLetter'] }),
  'redriveDeadLetter.afterCommit': scripted('redrive', { ...done, flags: ['deadLetter'] }),
  'eraseContact.beforeCommit': scripted('eraseContact', notDone),
  'eraseContact.afterCommit': scripted('eraseContact', done),
  'resolveSend.beforeCommit': scripted('resolveSend', notDone),
  'resolveSend.afterCommit': scripted('resolveSend', done),
  'appendBusiness.beforeCommit': scripted('paid'),
  'appendBusiness.afterCommit': scripted('paid'),
  'createApiKey.beforeCommit': scripted('createKey', notDone),
  'createApiKey.afterCommit': scripted('createKey', done),
  'revokeApiKey.beforeCommit': scripted('revokeKey', notDone),
  'revokeApiKey.afterCommit': scripted('revokeKey', done),
  'markRedriven.beforeCommit': scripted('numberOfNobody', done),
  'markRedriven.afterCommit': scripted('numberOfNobody', done),

  'graphSend.beforeWrite': [
    {
      scene: 'quietNumber',
      where: 'nothing else is heard of the number',
      expect: { ...noModel, answered: 1, held: 1, flags: ['sendUncertain'] },
    },
    { scene: 'busyNumber', where: 'later sends are heard of', expect: { ...noModel, answered: 6 } },
  ],
  'graphSend.afterWrite': [
    { scene: 'message', where: 'the whole answer' },
    { scene: 'longMessage', where: 'the first part of an answer' },
    { scene: 'longMessage', arrival: 2, where: 'the second part of an answer' },
  ],
  'graphSend.afterAnswer': message(),
  'graphReceipt.beforeWrite': receipt,
  'graphReceipt.afterWrite': receipt,
  'graphReceipt.afterAnswer': receipt,
  'graphMedia.beforeWrite': voiceNote,
  'graphMedia.afterWrite': voiceNote,
  'graphMedia.afterAnswer': voiceNote,
  'mediaFile.beforeWrite': voiceNote,
  'mediaFile.afterWrite': voiceNote,
  'mediaFile.afterAnswer': voiceNote,
  'mediaUpload.beforeWrite': scripted('drawn'),
  'mediaUpload.afterWrite': scripted('drawn'),
  'mediaUpload.afterAnswer': scripted('drawn'),
  'fileStore.beforeWrite': scripted('drawn'),
  'fileStore.afterWrite': [
    ...scripted('drawn'),
    { scene: 'oldFile', where: 'an old file is removed', expect: noModel },
  ],
  'fileStore.afterAnswer': [
    ...scripted('drawn'),
    { scene: 'oldFile', where: 'an old file is removed', expect: noModel },
  ],
  'graphRead.beforeWrite': scripted('doctor'),
  'graphRead.afterWrite': scripted('doctor'),
  'graphRead.afterAnswer': scripted('doctor'),
  'model.beforeWrite': alone(),
  'model.afterWrite': alone(asksAgain),
  'model.afterAnswer': alone(asksAgain),
  'provider.beforeWrite': scripted('bought'),
  'provider.afterWrite': scripted('bought'),
  'provider.afterAnswer': scripted('bought'),
  'doctor.beforeWrite': scripted('doctor'),
  'doctor.afterWrite': scripted('doctor'),
  'doctor.afterAnswer': scripted('doctor'),

  'webhookAnswer.beforeWrite': alone({ modelCalls: [1, 2] }),
  'webhookAnswer.afterWrite': alone({ modelCalls: [1, 2] }),
  'eventAnswer.beforeWrite': scripted('paid'),
  'eventAnswer.afterWrite': scripted('paid'),
  'commandAnswer.beforeWrite': scripted('take', done),
  'commandAnswer.afterWrite': scripted('take', done),
};
