/** The customer's part: from the phone through the webhook into the mailbox, the turns and what they start. */
import type { SimulatorEvent } from '#simulator/index.ts';
import { businessKeyOf, type MomentOf, type Scope, turnKeyOf } from './life-scope.ts';
import type { BookedMoment, LifeRecord } from './moment-book.ts';
import type { Steps } from './steps.ts';

export function tellMessage(steps: Steps, scope: Scope, record: LifeRecord): void {
  if ('event' in record) {
    tellEvent(steps, scope, record.event);
    return;
  }
  const { moment } = record;
  if ('wamid' in moment && moment.wamid !== null && scope.messages.has(moment.wamid))
    tellArrival(steps, moment);
  if (moment.kind === 'businessStored' || moment.kind === 'businessDuplicate')
    tellBusiness(steps, scope, moment);
  if ('turn' in moment && scope.turns.has(turnKeyOf(moment))) tellTurn(steps, scope, moment);
  if ('activityId' in moment && scope.activities.has(moment.activityId)) tellActivity(steps, moment);
}

type WebhookEvent = Extract<SimulatorEvent, { subjects: unknown }>;

function tellEvent(steps: Steps, scope: Scope, event: SimulatorEvent): void {
  if (event.kind === 'said' && scope.messages.has(event.wamid))
    steps.point(event, { kind: 'said', text: 'Written on the phone' });
  if (event.kind === 'readReceipt' && scope.messages.has(event.wamid))
    steps.point(event, { kind: 'markedRead', text: 'Shown as read' });
  if ('subjects' in event && isAbout(event, scope)) tellWebhook(steps, event);
}

const isAbout = ({ subjects }: WebhookEvent, { messages }: Scope): boolean =>
  subjects.some(({ wamid, status }) => status === null && wamid !== null && messages.has(wamid));

function tellWebhook(steps: Steps, event: WebhookEvent): void {
  const key = `webhook ${event.deliveryId}`;
  switch (event.kind) {
    case 'webhookSent': {
      const name = event.duplicateOf === null ? 'Webhook' : 'Copy of the webhook';
      const text = event.attempt > 1 ? `${name}, attempt ${event.attempt}` : name;
      steps.begin(key, event, { kind: 'webhook', text: `${text}: no answer yet` });
      break;
    }
    case 'webhookAnswered':
      steps.end(key, event, { text: `${nameOf(event)}: answered ${event.httpStatus}` });
      break;
    case 'webhookFailed': {
      const how = event.httpStatus === null ? 'not answered' : `answered ${event.httpStatus}`;
      const next = event.retryAtMs === null ? 'not repeated' : 'Meta comes again';
      steps.end(key, event, { text: `${nameOf(event)}: ${how}; ${next}` });
      break;
    }
    case 'webhookDropped':
      steps.point(event, { kind: 'webhook', text: `The webhook was given up: ${event.reason}` });
      break;
    case 'webhookDuplicated':
      return;
  }
}

function nameOf(event: { attempt: number; duplicateOf?: string | null }): string {
  const name = typeof event.duplicateOf === 'string' ? 'Copy of the webhook' : 'Webhook';
  return event.attempt > 1 ? `${name}, attempt ${event.attempt}` : name;
}

function tellArrival(steps: Steps, moment: BookedMoment & { wamid: string | null }): void {
  const received = `received ${moment.wamid}`;
  const waiting = `waiting ${moment.wamid}`;
  switch (moment.kind) {
    case 'messageReceived':
      // Two copies may be received at once.
      steps.begin(steps.isOpen(received) ? `${received} again` : received, moment, receiving);
      break;
    case 'messageStored':
      endReceived(steps, received, moment, { text: 'Stored; 200 may be answered' });
      steps.begin(waiting, moment, { kind: 'waiting', text: 'Waits for its turn' });
      break;
    case 'duplicateDropped':
      endReceived(steps, received, moment, {
        kind: 'dropped',
        text: 'Duplicate dropped: it had been stored before',
      });
      break;
    case 'messageQuarantined':
      endReceived(steps, received, moment, {
        kind: 'quarantined',
        text: `Kept in quarantine for a person: ${moment.reason}`,
      });
      break;
    default:
  }
}

const receiving = {
  kind: 'stored',
  text: 'Received; not stored yet',
  cutOff: 'Received, and lost with the server before it was stored; Meta comes again',
} as const;

function endReceived(
  steps: Steps,
  key: string,
  moment: BookedMoment,
  change: { kind?: 'dropped' | 'quarantined'; text: string },
): void {
  if (!steps.end(key, moment, change)) steps.end(`${key} again`, moment, change);
}

function tellBusiness(
  steps: Steps,
  scope: Scope,
  moment: MomentOf<'businessStored' | 'businessDuplicate'>,
): void {
  const key = businessKeyOf(moment, moment.position);
  if (!scope.business.has(key)) return;
  const name = `Business event ${moment.name}`;
  if (moment.kind === 'businessStored')
    steps.begin(`business ${key}`, moment, { kind: 'business', text: `${name}: stored, waits for its turn` });
  else steps.point(moment, { kind: 'dropped', text: `${name} came again: it had been stored before` });
}

function tellTurn(steps: Steps, scope: Scope, moment: BookedMoment & { turn: number }): void {
  const name = `Turn ${moment.turn}`;
  switch (moment.kind) {
    case 'turnTaken':
      for (const { wamid } of moment.events)
        if (wamid !== null && scope.messages.has(wamid)) steps.end(`waiting ${wamid}`, moment);
      for (const { position } of moment.events)
        steps.end(`business ${businessKeyOf(moment, position)}`, moment);
      steps.begin(turnKeyOf(moment), moment, {
        kind: 'turn',
        text: `${name}: not committed yet`,
        cutOff: `${name}: ended with the server, nothing of it was stored`,
      });
      break;
    case 'turnCommitted':
      steps.end(turnKeyOf(moment), moment, { text: `${name}: ${outcomeOf(moment)}` });
      break;
    case 'fenceRefused':
      steps.end(turnKeyOf(moment), moment, {
        kind: 'fence',
        text: `${name}: refused by its fence, another turn has the conversation`,
      });
      break;
    case 'limitRefused':
      steps.point(moment, { kind: 'limit', text: `The limit ${moment.limit} refused an activity` });
      break;
    case 'flagged':
      steps.point(moment, { kind: 'flag', text: `A person is asked: ${moment.reason}` });
      break;
    case 'fallbackQueued':
      steps.point(moment, { kind: 'fallback', text: 'The fallback text is queued' });
      break;
    case 'handedOff':
      steps.point(moment, { kind: 'handOff', text: 'Handed off to an operator' });
      break;
    default:
  }
}

function outcomeOf({ state, sends, activities, timers, cancelled }: MomentOf<'turnCommitted'>): string {
  const done = [
    sends.length > 0 && `${sends.length} ${sends.length === 1 ? 'send' : 'sends'}`,
    activities.length > 0 && `starts ${activities.map(({ activity }) => activity).join(', ')}`,
    cancelled.length > 0 && `cancels ${cancelled.length}`,
    timers > 0 && `${timers} ${timers === 1 ? 'timer' : 'timers'}`,
  ].filter((part) => part !== false);
  return [state, ...done].join('; ');
}

function tellActivity(steps: Steps, moment: BookedMoment & { activityId: string }): void {
  const key = `activity ${moment.activityId}`;
  switch (moment.kind) {
    case 'activityStarted': {
      const again = moment.restarts > 0 ? ', begun again after a restart' : '';
      steps.begin(key, moment, {
        kind: 'activity',
        text: `Activity ${moment.activity}${again}`,
        cutOff: `Activity ${moment.activity}: interrupted by the end of the server`,
      });
      break;
    }
    case 'activityRetried': {
      const text = `Attempt ${moment.attempt} failed (${moment.code}); waits ${Math.round(moment.waitMs)} ms`;
      steps.point(moment, { kind: 'retry', text });
      break;
    }
    case 'activityEnded': {
      const code = moment.code === null ? '' : ` (${moment.code})`;
      steps.end(key, moment, { text: `Activity ${moment.activity}: ${moment.outcome}${code}` });
      break;
    }
    case 'modelAsked':
      steps.begin(`model ${moment.activityId} ${moment.attempt}`, moment, {
        kind: 'model',
        text: `Model asked, attempt ${moment.attempt}`,
        cutOff: `Model asked, attempt ${moment.attempt}: interrupted by the end of the server`,
      });
      break;
    case 'modelAnswered':
      steps.end(`model ${moment.activityId} ${moment.attempt}`, moment, { text: wordOf(moment) });
      break;
    default:
  }
}

function wordOf(moment: MomentOf<'modelAnswered'>): string {
  const { outcome, code, model, inputTokens, outputTokens, attempt } = moment;
  if (outcome === 'answered') return `Model ${model}: ${inputTokens} tokens in, ${outputTokens} out`;
  return `Model, attempt ${attempt}: ${outcome}${code === null ? '' : ` (${code})`}`;
}
