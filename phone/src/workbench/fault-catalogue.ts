/**
 * Every fault that can be made, in words a person understands, by who makes it. A trigger happens by rate or "the next n";
 * a level is a plain setting. To show a new fault of the simulator, add it here; what is missing here is shown under
 * "Others" by the name of its setting.
 */
export type FaultDoor = 'faults' | 'model';

interface FaultWords {
  /** Unique on the page, and the name under which the simulator counts it behind `fault.`. */
  key: string;
  door: FaultDoor;
  title: string;
  /** What the server has to cope with. */
  why: string;
}

export interface TriggerFault extends FaultWords {
  kind: 'trigger';
  /** What it happens to: "of 100 ...". */
  occasion: string;
  /** An entry of the list `graphError`, which is found by this code. */
  code?: number;
}

export interface LevelFault extends FaultWords {
  kind: 'level';
  /** Where the value stands in the settings. */
  path: readonly [string, string];
  off: number;
  max: number;
  step: number;
  unit: 'ms' | 'updates';
}

export type Fault = TriggerFault | LevelFault;

export interface FaultGroup {
  id: string;
  title: string;
  faults: readonly Fault[];
}

type Words = readonly [key: string, title: string, why: string];

const triggers = (door: FaultDoor, occasion: string, rows: readonly Words[]): TriggerFault[] =>
  rows.map(([key, title, why]) => ({ kind: 'trigger', door, occasion, key, title, why }));

const graphErrors = (
  rows: readonly (readonly [code: number, title: string, why: string])[],
): TriggerFault[] =>
  rows.map(([code, title, why]) => ({
    kind: 'trigger',
    door: 'faults',
    occasion: 'sends',
    key: `graphError.${code}`,
    title,
    why,
    code,
  }));

const webhooks: Fault[] = [
  ...triggers('faults', 'webhooks', [
    ['duplicateWebhook', 'Delivers it twice', 'The same message must be answered once.'],
    ['shuffleWebhooks', 'Lets later ones overtake', 'Messages and statuses come out of order.'],
    ['delayWebhooks', 'Comes late', 'Five seconds to a minute after it happened.'],
    ['dropWebhooks', 'Loses the first delivery', 'Meta notices and comes again.'],
    ['badSignature', 'Signs it wrongly', 'It must be refused; Meta tries again.'],
    ['oversized', 'Adds one of 4 MB', 'More than may be read; nothing else may suffer.'],
  ]),
  {
    kind: 'level',
    door: 'faults',
    key: 'batchWebhooks',
    title: 'Gathers many into one',
    why: 'One body with updates of many conversations.',
    path: ['batchWebhooks', 'updatesMax'],
    off: 1,
    max: 1_000,
    step: 1,
    unit: 'updates',
  },
];

const sends: Fault[] = [
  ...triggers('faults', 'sends', [
    ['loseAnswer', 'Takes it, and its answer is lost', 'Sent or not? A repeat could double it.'],
    ['loseAnswerAfterHeaders', 'Answers half, then hangs up', 'Likewise, in the middle of the answer.'],
    ['hangAnswer', 'Takes it and never answers', 'Likewise, and the connection stays open.'],
    ['stallAnswer', 'Answers half, then the rest late', 'The answer stands still for five seconds.'],
    ['http5xxWithoutBody', 'Fails with an empty 502', 'A proxy before Meta; no word of what became of it.'],
  ]),
  ...graphErrors([
    [130429, 'Says: too many at once (130429)', 'The number’s throughput is used up.'],
    [131056, 'Says: too many to this person (131056)', 'The limit of the pair; it has to wait.'],
    [131048, 'Says: looks like spam (131048)', 'The number is held back for its quality.'],
  ]),
  ...triggers('faults', 'calls', [
    ['tokenRefused', 'Says: the token expired (190)', 'In the middle of the day; a person is needed.'],
    ['managementLimit', 'Says: too much managing (80007)', 'Templates and settings, not messages.'],
  ]),
  {
    kind: 'level',
    door: 'faults',
    key: 'latencyMs',
    title: 'Answers slowly',
    why: 'Every answer of Meta takes up to this long.',
    path: ['latencyMs', 'maxMs'],
    off: 0,
    max: 5_000,
    step: 100,
    unit: 'ms',
  },
];

const statuses: Fault[] = triggers('faults', 'sends', [
  ['statusBeforeAnswer', 'Tells the status before the answer', 'News of a send that nobody knows yet.'],
  ['statusLost', 'Never tells a status', 'What was delivered stays unknown.'],
  ['statusLate', 'Tells it minutes late', 'One to ten minutes after it happened.'],
  ['failAfterAccept', 'Takes it, then fails it (131026)', 'Accepted is not delivered.'],
]);

const model: Fault[] = [
  ...triggers('model', 'calls', [
    ['model.hang', 'Never answers', 'The deadline has to end it.'],
    ['model.fail', 'Fails with a 500', 'It is asked again, later.'],
    ['model.rateLimit', 'Says: too many calls (429)', 'It says when to come again.'],
    ['model.overload', 'Says: overloaded (529)', 'Everybody’s calls fail at once.'],
    ['model.loseAnswer', 'Answers, and the answer is lost', 'The call was made and is paid.'],
    ['model.cut', 'Stops in the middle', 'Half an answer must not reach the customer.'],
    ['model.streamError', 'Stops with an error in the stream', 'Likewise, and it says why.'],
  ]),
  {
    kind: 'level',
    door: 'model',
    key: 'model.latencyMs',
    title: 'Thinks long',
    why: 'Every call takes up to this long.',
    path: ['latencyMs', 'maxMs'],
    off: 0,
    max: 20_000,
    step: 250,
    unit: 'ms',
  },
];

export const faultGroups: readonly FaultGroup[] = [
  { id: 'webhooks', title: 'What Meta does to webhooks', faults: webhooks },
  { id: 'sends', title: 'What Meta does to sends', faults: sends },
  { id: 'statuses', title: 'What Meta does to statuses', faults: statuses },
  { id: 'model', title: 'What the model does', faults: model },
];
