/** The answer's part: waits, attempts, what becomes of a lost answer, and the delivery statuses. */
import type { SimulatorEvent } from '#simulator/index.ts';
import type { StepKind } from './life.ts';
import type { MomentOf, Scope } from './life-scope.ts';
import type { BookedMoment, LifeRecord } from './moment-book.ts';
import type { Steps } from './steps.ts';

export function tellSend(steps: Steps, scope: Scope, record: LifeRecord): void {
  if ('event' in record) {
    tellEvent(steps, scope, record.event);
    return;
  }
  const { moment } = record;
  if (moment.kind === 'statusStored') {
    if (scope.sentWamids.has(moment.wamid)) tellStored(steps, moment);
  } else if ('sendId' in moment && moment.sendId !== null && scope.sends.has(moment.sendId))
    tellWay(steps, moment);
}

const statusKinds = {
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read by the customer',
  played: 'Played by the customer',
  failed: 'Failed',
} as const satisfies Partial<Record<StepKind, string>>;

const isStatus = (status: string): status is keyof typeof statusKinds => Object.hasOwn(statusKinds, status);

function tellEvent(steps: Steps, scope: Scope, event: SimulatorEvent): void {
  if (event.kind === 'answerLost' && event.opaque !== null && scope.sends.has(event.opaque))
    steps.point(event, { kind: 'answerLost', text: 'Meta accepted it; its answer was lost on the way' });
  if (event.kind === 'status' && scope.sentWamids.has(event.wamid) && isStatus(event.status)) {
    const code = event.code === null ? '' : ` (${event.code})`;
    const text = `${statusKinds[event.status]}${code}`;
    steps.begin(`status ${event.wamid} ${event.status}`, event, { kind: event.status, text });
  }
  if (event.kind === 'statusSuppressed' && scope.sentWamids.has(event.wamid))
    steps.end(`status ${event.wamid} ${event.status}`, event, {
      text: `${isStatus(event.status) ? statusKinds[event.status] : event.status}; Meta never told of it`,
    });
}

function tellStored(steps: Steps, moment: MomentOf<'statusStored'>): void {
  // A status that is told twice is stored once.
  steps.end(`status ${moment.wamid} ${moment.status}`, moment);
}

const ways = { lane: 'Waits for the send before it', pace: 'Waits for its pace' };

function tellWay(steps: Steps, moment: BookedMoment & { sendId: string }): void {
  const keys = keysOf(moment.sendId);
  switch (moment.kind) {
    case 'sendBlocked':
      if (!steps.isOpen(keys.wait)) steps.begin(keys.wait, moment, { kind: 'lane', text: ways.lane });
      return;
    case 'sendWaiting': {
      steps.end(keys.wait, moment);
      const why = moment.paused ? '; a person must mend something first' : '';
      const text = `${ways.pace}: ${moment.scope}${why}`;
      steps.begin(keys.wait, moment, { kind: 'pace', text });
      break;
    }
    case 'sendWithdrawn':
      steps.end(keys.wait, moment);
      steps.point(moment, {
        kind: 'withdrawn',
        text: 'Withdrawn: it may not leave any more, and a person is asked',
      });
      break;
    case 'sendMarked':
      steps.end(keys.wait, moment);
      beginAttempt(steps, moment);
      break;
    case 'attemptEnded':
      endAttempt(steps, moment);
      break;
    case 'uncertainResolved':
      if (steps.end(keys.uncertain, moment, { text: resolutions[moment.how] })) return;
      // A status was faster than the end of the attempt; if that has no answer, it was never long in doubt.
      if (moment.how === 'proven' && steps.isOpen(keys.attempt))
        steps.begin(keys.proven, moment, { kind: 'uncertain', text: resolutions.proven });
      return;
    default:
  }
}

const keysOf = (sendId: string) => ({
  wait: `wait ${sendId}`,
  attempt: `attempt ${sendId}`,
  uncertain: `uncertain ${sendId}`,
  proven: `proven ${sendId}`,
});

const doubt = 'Uncertain: nobody knows whether it was accepted';

const resolutions: Readonly<Record<MomentOf<'uncertainResolved'>['how'], string>> = {
  proven: 'Uncertain, then confirmed: a delivery status proved that it was accepted',
  resent: 'Uncertain, then sent again: later sends were heard of and this one was not',
  held: 'Uncertain, then held: a person decides',
  dropped: 'Uncertain, then dropped, as its policy says',
};

function beginAttempt(steps: Steps, moment: MomentOf<'sendMarked'>): void {
  const { attempt, uncertain } = keysOf(moment.sendId);
  steps.begin(attempt, moment, {
    kind: 'send',
    text: `Attempt ${moment.attempt}: no answer yet`,
    cutOff: `Attempt ${moment.attempt}: cut off by the end of the server`,
    onCutOff: (ended) => steps.begin(uncertain, ended, { kind: 'uncertain', text: doubt }),
  });
}

function endAttempt(steps: Steps, moment: MomentOf<'attemptEnded'>): void {
  const { attempt, uncertain, proven } = keysOf(moment.sendId);
  const about = [moment.code, moment.why].filter((part) => part !== null).join(', ');
  const because = about === '' ? '' : ` (${about})`;
  const words: Record<typeof moment.outcome, string> = {
    accepted: 'accepted',
    refused: `refused${because}`,
    retryLater: `not accepted${because}; tried again`,
    uncertain: `no answer${because}`,
    lateWrite: 'not written, since its slot was over',
  };
  steps.end(attempt, moment, { text: `Attempt ${moment.attempt}: ${words[moment.outcome]}` });
  if (steps.isOpen(proven)) {
    if (moment.outcome === 'uncertain') steps.end(proven, moment);
    else steps.drop(proven);
  } else if (moment.outcome === 'uncertain')
    steps.begin(uncertain, moment, { kind: 'uncertain', text: doubt });
}
