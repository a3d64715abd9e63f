/** All variants that are broken on purpose. */
import type { Variant } from '../variant.ts';
import { acknowledgedBeforeStored } from './acknowledged-before-stored.ts';
import { activityHandedOutTwice } from './activity-handed-out-twice.ts';
import { answersNotRemembered } from './answers-not-remembered.ts';
import { answersTheUnseen } from './answers-the-unseen.ts';
import { askedBeforeAttempt } from './asked-before-attempt.ts';
import { cancelForgotten } from './cancel-forgotten.ts';
import { cancelledResultTaken } from './cancelled-result-taken.ts';
import { claimedNeverDone } from './claimed-never-done.ts';
import { costNotReserved } from './cost-not-reserved.ts';
import { cursorConsumption } from './cursor-consumption.ts';
import { dueOverwritten } from './due-overwritten.ts';
import { earlyStatusLost } from './early-status-lost.ts';
import { factStoredTwice } from './fact-stored-twice.ts';
import { flagsLost } from './flags-lost.ts';
import { foreignContact } from './foreign-contact.ts';
import { foreignHistory } from './foreign-history.ts';
import { foreignToken } from './foreign-token.ts';
import { halfTurn } from './half-turn.ts';
import { handBackReopensAll } from './hand-back-reopens-all.ts';
import { hiddenRetry } from './hidden-retry.ts';
import { laneNotKept } from './lane-not-kept.ts';
import { lateWrite } from './late-write.ts';
import { limitNotCounted } from './limit-not-counted.ts';
import { limitNotGivenBack } from './limit-not-given-back.ts';
import { limitSummed } from './limit-summed.ts';
import { lostAnswerHandedBack } from './lost-answer-handed-back.ts';
import { lostAnswerRefused } from './lost-answer-refused.ts';
import { lostCommitRunAgain } from './lost-commit-run-again.ts';
import { madeAnswerSaidLater } from './made-answer-said-later.ts';
import { mergeDropsEvents } from './merge-drops-events.ts';
import { mergeForgetsAwaiting } from './merge-forgets-awaiting.ts';
import { mergeStrandsEvents } from './merge-strands-events.ts';
import { newestFirst } from './newest-first.ts';
import { noDedupe } from './no-dedupe.ts';
import { noFenceCheck } from './no-fence-check.ts';
import { paceForgotten } from './pace-forgotten.ts';
import { pacePerProcess } from './pace-per-process.ts';
import { paidLimitPerProcess } from './paid-limit-per-process.ts';
import { pairPaceForgotten } from './pair-pace-forgotten.ts';
import { postingForgotten } from './posting-forgotten.ts';
import { rescueNotDue } from './rescue-not-due.ts';
import { resentWithoutEvidence } from './resent-without-evidence.ts';
import { resultNotDue } from './result-not-due.ts';
import { resultOfEarlierVisit } from './result-of-earlier-visit.ts';
import { secondTapActs } from './second-tap-acts.ts';
import { sendingAfterWrite } from './sending-after-write.ts';
import { spendingCountedTwice } from './spending-counted-twice.ts';
import { statusRegress } from './status-regress.ts';
import { statusesNotAwaited } from './statuses-not-awaited.ts';
import { takenOverUnseen } from './taken-over-unseen.ts';
import { tenantPaceNotAsked } from './tenant-pace-not-asked.ts';
import { timerLostByName } from './timer-lost-by-name.ts';
import { turnLosesSend } from './turn-loses-send.ts';
import { uncertainAskedAgain } from './uncertain-asked-again.ts';
import { uncertainCostLeft } from './uncertain-cost-left.ts';
import { uncertainForEver } from './uncertain-for-ever.ts';
import { uncertainRetried } from './uncertain-retried.ts';
import { windowNotKept } from './window-not-kept.ts';
import { withdrawnCountsAsAnswered } from './withdrawn-counts-as-answered.ts';

export const variants: readonly Variant[] = [
  activityHandedOutTwice,
  acknowledgedBeforeStored,
  answersNotRemembered,
  answersTheUnseen,
  claimedNeverDone,
  cursorConsumption,
  dueOverwritten,
  flagsLost,
  foreignContact,
  foreignHistory,
  foreignToken,
  handBackReopensAll,
  laneNotKept,
  madeAnswerSaidLater,
  mergeDropsEvents,
  mergeForgetsAwaiting,
  mergeStrandsEvents,
  newestFirst,
  noDedupe,
  rescueNotDue,
  resultNotDue,
  statusesNotAwaited,
  takenOverUnseen,
  timerLostByName,
  withdrawnCountsAsAnswered,
  cancelForgotten,
  cancelledResultTaken,
  earlyStatusLost,
  halfTurn,
  hiddenRetry,
  lateWrite,
  limitNotCounted,
  limitSummed,
  lostAnswerRefused,
  noFenceCheck,
  paceForgotten,
  pacePerProcess,
  pairPaceForgotten,
  resentWithoutEvidence,
  resultOfEarlierVisit,
  sendingAfterWrite,
  statusRegress,
  tenantPaceNotAsked,
  turnLosesSend,
  uncertainForEver,
  uncertainRetried,
  windowNotKept,
  askedBeforeAttempt,
  costNotReserved,
  factStoredTwice,
  limitNotGivenBack,
  lostAnswerHandedBack,
  paidLimitPerProcess,
  postingForgotten,
  secondTapActs,
  spendingCountedTwice,
  uncertainAskedAgain,
  uncertainCostLeft,
  lostCommitRunAgain,
];

/** @throws Error where there is none of that name. */
export function findVariant(name: string): Variant {
  const found = variants.find((variant) => variant.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `There is no planted bug "${name}". There are: ${variants.map((each) => each.name).join(', ')}.`,
  );
}
