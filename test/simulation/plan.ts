/**
 * A plan is a bad day, drawn from a seed: who is there, what goes wrong how often, and what happens when. It is plain
 * data, so that it can be printed, cut down while it still fails, and run again. To add a fault by rate, add it to
 * `rateMax`; to add something that happens at a time, add an action. What is drawn at the end of a plan leaves the days of
 * all seeds as they were but for itself.
 */
import { seededRandom } from '#testing/fake-world.ts';
import { type StoreWrite, storeWrites } from './store-writes.ts';

/** The most that each rate may be; a plan draws about half of them as 0. */
export const rateMax = {
  // Meta's answers to sends
  loseAnswer: 0.15,
  loseAnswerAfterHeaders: 0.1,
  hangAnswer: 0.05,
  answerAfterStatus: 0.4,
  http5xx: 0.08,
  http5xxAccepted: 0.05,
  graph1: 0.04,
  graph131000: 0.08,
  graph131000Accepted: 0.05,
  graph130429: 0.08,
  graph131056: 0.05,
  graph131026: 0.03,
  graph131048: 0.002,
  graph190: 0.004,
  connectionRefused: 0.05,
  // Meta's webhooks
  duplicateWebhook: 0.5,
  shuffleWebhooks: 0.5,
  badSignature: 0.1,
  statusLost: 0.3,
  statusLate: 0.3,
  failAfterAccept: 0.15,
  // The model
  modelHangs: 0.08,
  modelFails: 0.15,
  modelRateLimits: 0.1,
  modelRefuses: 0.05,
  modelHandsOff: 0.04,
  modelSaysNothing: 0.03,
  // The provider of paid work; what it charges for and what it does not
  providerAway: 0.1,
  providerBusy: 0.2,
  providerFails: 0.1,
  providerFailsCharged: 0.1,
  providerHangs: 0.1,
  providerHangsCharged: 0.1,
  providerLosesAnswer: 0.2,
  providerAnswersLate: 0.15,
  lookupUnknown: 0.4,
  resultLost: 0.2,
  // The business' own systems
  factRepeated: 0.5,
  factWithOtherData: 0.2,
  // The store and the wakes
  storeRefuses: 0.06,
  commitFails: 0.04,
  /** A process is held up when the store has done what it asked for and before it hears of it. */
  heldUp: 0.01,
  wakeLost: 0.5,
  wakeRepeated: 0.3,
} as const;

export type RateName = keyof typeof rateMax;

/** Of each call that the store commits: how often its answer is lost, as by a connection that breaks after the commit. */
const lostAnswerMax = 0.25;

export interface TenantPlan {
  id: string;
  numbers: number;
  dialog: 'assistant' | 'steps' | 'shop';
  quietMs: number;
  overlap: 'queue' | 'interrupt';
  sendsPerSecondMax: number | null;
  numberPerSecond: number | null;
  repliesPerHourMax: number | null;
}

/** The paid work of all shops of a plan, and what its provider is like. */
export interface PaidPlan {
  /** A request whose idempotency key is known is charged no second time. */
  honoursKeys: boolean;
  /** Between its arrival and its answer. */
  latencyMs: { minMs: number; maxMs: number };
  attemptsMax: number;
  deadlineMs: number;
  requestTimeoutMs: number;
  /** How long a dialog waits; a result that comes after it is late. */
  patienceMs: number;
  /** Of limits. */
  windowMs: number;
  perContactMax: number;
  perTenantMicrosMax: number;
  /** Before what nobody knows is looked into for the first time. */
  lookAgainMs: number;
}

export type Message = 'text' | 'image' | 'reaction' | 'voice' | 'unsupported';

export type Action = { atMs: number } & (
  | { kind: 'say'; contact: number; tenant: number; number: number; message: Message; text: string }
  /** Somebody taps a button of the last offer, so many times, one after another. */
  | {
      kind: 'tap';
      contact: number;
      tenant: number;
      number: number;
      option: number;
      times: number;
      everyMs: number;
    }
  /** A system of the business tells something of a customer. */
  | { kind: 'tell'; contact: number; tenant: number; number: number; fact: string; name: string }
  | { kind: 'crash'; process: number; awayMs: number }
  | { kind: 'stop'; process: number; awayMs: number }
  | { kind: 'pause'; process: number; forMs: number }
  | { kind: 'stepClock'; byMs: number }
  | { kind: 'graphAway'; forMs: number }
  | { kind: 'addresses'; contact: number; show: 'phone' | 'userId' | 'both' }
  | { kind: 'changeNumber'; contact: number; tenant: number }
  | { kind: 'echo'; contact: number; tenant: number }
  | { kind: 'take' | 'reply' | 'handBack'; contact: number; tenant: number }
  | { kind: 'resolveSends' | 'redriveDeadLetters' | 'applyTenants'; tenant: number }
);

type Saying = Extract<Action, { kind: 'say' }>;

export interface Plan {
  seed: number;
  processes: number;
  contacts: number;
  tenants: TenantPlan[];
  /** Between a process and Graph, and between a process and the store, each way. */
  networkMs: { minMs: number; maxMs: number };
  storeMs: { minMs: number; maxMs: number };
  modelMs: { minMs: number; maxMs: number };
  paid: PaidPlan;
  batchMax: number;
  /** Whether Meta's `failed` carries the id of the send; it promises so only for the others. */
  failedNamesSend: boolean;
  rates: Record<RateName, number>;
  /** When the faults end; what happens later is only what mends. */
  activeMs: number;
  actions: Action[];
  /** By the call; absent where no answer is lost. */
  lostAnswers: Partial<Record<StoreWrite, number>>;
}

class Draw {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  whole(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1));
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  of<T>(...choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.random() * choices.length)] ?? choices[0];
  }
}

export function drawPlan(seed: number): Plan {
  const draw = new Draw(seed);
  const tenants = Array.from({ length: draw.whole(1, 3) }, (_, index) => drawTenant(draw, index));
  const plan: Drawn = {
    seed,
    processes: draw.of(1, 1, 2, 2, 3, 4),
    contacts: draw.whole(2, 8),
    tenants,
    networkMs: { minMs: 1, maxMs: draw.of(1, 20, 45) },
    storeMs: { minMs: 1, maxMs: draw.of(1, 4, 15, 120) },
    modelMs: { minMs: draw.of(10, 200), maxMs: draw.of(300, 2_000, 9_000) },
    paid: drawPaid(draw),
    batchMax: draw.of(1, 1, 5, 40),
    failedNamesSend: draw.chance(0.5),
    rates: drawRates(draw),
    activeMs: draw.of(15_000, 30_000, 60_000, 120_000),
  };
  const actions = drawActions(draw, plan);
  return { ...plan, actions, lostAnswers: drawLostAnswers(draw, plan) };
}

/** What actions are drawn from. */
type Drawn = Omit<Plan, 'actions' | 'lostAnswers'>;

function drawTenant(draw: Draw, index: number): TenantPlan {
  return {
    id: `t${index}`,
    numbers: draw.of(1, 1, 2),
    dialog: draw.of('assistant', 'assistant', 'steps', 'shop', 'shop'),
    quietMs: draw.of(0, 0, 400, 1_500),
    overlap: draw.of('queue', 'interrupt'),
    sendsPerSecondMax: draw.of(null, 5, 20),
    numberPerSecond: draw.of(null, 4, 20),
    repliesPerHourMax: draw.of(null, null, 5),
  };
}

function drawPaid(draw: Draw): PaidPlan {
  return {
    honoursKeys: draw.chance(0.6),
    latencyMs: { minMs: 20, maxMs: draw.of(200, 2_500) },
    attemptsMax: draw.of(1, 2, 3),
    deadlineMs: draw.of(6_000, 15_000),
    requestTimeoutMs: draw.of(1_500, 4_000),
    patienceMs: draw.of(3_000, 20_000),
    windowMs: draw.of(10_000, 60_000, 3_600_000),
    perContactMax: draw.of(2, 5, 100),
    perTenantMicrosMax: draw.of(400, 2_000, 1_000_000),
    lookAgainMs: draw.of(1_000, 1_000, 15_000),
  };
}

function drawRates(draw: Draw): Record<RateName, number> {
  const calm = draw.chance(0.1);
  const names = Object.keys(rateMax) as RateName[];
  const drawn = names.map((name) => {
    const rate = draw.chance(0.5) ? draw.random() * rateMax[name] : 0;
    return [name, calm ? 0 : Math.round(rate * 1_000) / 1_000];
  });
  return Object.fromEntries(drawn) as Record<RateName, number>;
}

/** None on most days, which stay those of old, nor on calm ones. */
function drawLostAnswers(draw: Draw, { rates }: Drawn): Plan['lostAnswers'] {
  const isCalm = Object.values(rates).every((rate) => rate === 0);
  if (draw.chance(0.92) || isCalm) return {};
  const drawn = storeWrites.map((method) => {
    const rate = draw.chance(0.5) ? draw.random() * lostAnswerMax : 0;
    return [method, Math.round(rate * 1_000) / 1_000] as const;
  });
  return Object.fromEntries(drawn.filter(([, rate]) => rate > 0));
}

function drawActions(draw: Draw, plan: Drawn): Action[] {
  const actions: Action[] = [];
  const at = () => draw.whole(0, plan.activeMs);
  const times = (max: number, make: () => Action) => {
    if (draw.chance(0.45)) return;
    for (let i = draw.whole(1, max); i > 0; i -= 1) actions.push(make());
  };
  const contact = () => draw.whole(0, plan.contacts - 1);
  const tenant = () => draw.whole(0, plan.tenants.length - 1);
  const process = () => draw.whole(0, plan.processes - 1);
  const who = () => ({ contact: contact(), tenant: tenant() });
  drawMessages(draw, plan, actions);
  times(5, () => ({ kind: 'crash', atMs: at(), process: process(), awayMs: draw.of(50, 1_000, 20_000) }));
  times(2, () => ({ kind: 'stop', atMs: at(), process: process(), awayMs: draw.of(50, 3_000) }));
  times(5, () => ({
    kind: 'pause',
    atMs: at(),
    process: process(),
    forMs: draw.of(300, 1_500, 4_000, 12_000, 40_000),
  }));
  times(2, () => ({ kind: 'stepClock', atMs: at(), byMs: draw.of(-30_000, -2_000, -200, 1_000, 20_000) }));
  times(1, () => ({ kind: 'graphAway', atMs: at(), forMs: draw.of(500, 5_000, 30_000) }));
  times(6, () => ({
    kind: 'addresses',
    atMs: at(),
    contact: contact(),
    show: draw.of('phone', 'userId', 'both'),
  }));
  times(2, () => ({ kind: 'changeNumber', atMs: at(), ...who() }));
  times(3, () => ({ kind: 'echo', atMs: at(), ...who() }));
  times(4, () => ({ kind: 'take', atMs: at(), ...who() }));
  times(4, () => ({ kind: 'reply', atMs: at(), ...who() }));
  times(4, () => ({ kind: 'handBack', atMs: at(), ...who() }));
  times(2, () => ({ kind: 'resolveSends', atMs: at(), tenant: tenant() }));
  times(2, () => ({ kind: 'redriveDeadLetters', atMs: at(), tenant: tenant() }));
  times(2, () => ({ kind: 'applyTenants', atMs: at(), tenant: tenant() }));
  drawTaps(draw, plan, actions);
  drawFacts(draw, plan, actions);
  drawStrangers(draw, plan, actions);
  drawBadMoments(draw, plan, actions);
  return actions.sort((a, b) => a.atMs - b.atMs);
}

/** One person writes by phone, then by user id, then with both: two conversations turn out to be one. */
function drawStrangers(draw: Draw, plan: Drawn, actions: Action[]): void {
  if (draw.chance(0.7)) return;
  for (let people = draw.whole(1, 3); people > 0; people -= 1) {
    const contact = draw.whole(0, plan.contacts - 1);
    const tenant = contact % plan.tenants.length;
    let atMs = draw.whole(0, plan.activeMs / 2);
    for (const show of ['phone', 'userId', 'both'] as const) {
      actions.push({ kind: 'addresses', atMs, contact, show });
      for (let texts = draw.of(1, 1, 2, 3); texts > 0; texts -= 1) {
        const said = actions.filter(({ kind }) => kind === 'say').length;
        actions.push(saying(draw, plan, { atMs, contact, tenant, number: 0, said }));
        atMs += draw.of(1, 30, 300, 2_000);
      }
      if (draw.chance(0.1)) actions.push({ kind: 'take', atMs, contact, tenant });
    }
  }
}

/** Processes that fail, and operators who take over, while somebody's message is under way. */
function drawBadMoments(draw: Draw, plan: Drawn, actions: Action[]): void {
  if (draw.chance(0.6)) return;
  const messages = actions.filter((action) => action.kind === 'say');
  for (let moments = draw.whole(1, 6); moments > 0; moments -= 1) {
    const { atMs: saidAtMs, contact, tenant } = draw.of(...(messages as [Saying, ...Saying[]]));
    const atMs = saidAtMs + draw.whole(1, draw.of(40, 400, plan.modelMs.maxMs));
    const process = draw.whole(0, plan.processes - 1);
    actions.push(
      draw.of<Action>(
        { kind: 'crash', atMs, process, awayMs: draw.of(50, 1_000, 20_000) },
        { kind: 'pause', atMs, process, forMs: draw.of(300, 4_000, 12_000) },
        { kind: 'take', atMs, contact, tenant },
      ),
    );
  }
}

/** People write in bursts, most of them to one business. */
function drawMessages(draw: Draw, plan: Drawn, actions: Action[]): void {
  const messages = draw.of(5, 15, 40, 80);
  let said = 0;
  while (said < messages) {
    let atMs = draw.whole(0, plan.activeMs);
    const contact = draw.whole(0, plan.contacts - 1);
    const tenant = draw.chance(0.8) ? contact % plan.tenants.length : draw.whole(0, plan.tenants.length - 1);
    const { numbers } = plan.tenants[tenant] as TenantPlan;
    const number = draw.whole(0, numbers - 1);
    // Now and then somebody writes more than a pair may be answered at once.
    const isFlood = draw.chance(0.01);
    for (let burst = isFlood ? 70 : draw.of(1, 1, 2, 4, 8); burst > 0; burst -= 1) {
      actions.push(saying(draw, plan, { atMs, contact, tenant, number, said }, isFlood));
      said += 1;
      atMs += draw.of(0, 3, 40, 700, 3_000);
    }
  }
}

/** What dialogs understand; the assistant understands everything. */
const verbs = {
  steps: ['ask', 'ask', 'remind', 'break', 'tell'],
  shop: ['key', 'look', 'flag', 'twice', 'print', 'offer', 'offer', 'stop', 'tell', 'break'],
  assistant: [],
} as const;

/** Whoever was offered something taps it, now and then twice: at once, or when the answer is long in coming. */
function drawTaps(draw: Draw, plan: Drawn, actions: Action[]): void {
  for (const action of [...actions]) {
    if (action.kind !== 'say' || !action.text.startsWith('offer')) continue;
    const { contact, tenant, number } = action;
    const atMs = action.atMs + draw.of(300, 1_500, 6_000) + draw.whole(0, plan.networkMs.maxMs);
    const again = {
      option: draw.whole(0, 2),
      times: draw.of(1, 2, 2, 3),
      everyMs: draw.of(1, 30, 800, 5_000),
    };
    actions.push({ kind: 'tap', atMs, contact, tenant, number, ...again });
  }
}

/** A shop tells of payments; some of customers who never wrote. */
function drawFacts(draw: Draw, plan: Drawn, actions: Action[]): void {
  if (draw.chance(0.4)) return;
  for (let nth = draw.of(2, 5, 12); nth > 0; nth -= 1) {
    const contact = draw.whole(0, plan.contacts - 1);
    const tenant = draw.chance(0.8) ? contact % plan.tenants.length : draw.whole(0, plan.tenants.length - 1);
    const number = draw.whole(0, (plan.tenants[tenant]?.numbers ?? 1) - 1);
    const name = draw.of('paid', 'paid', 'paid', 'broken', 'unheard');
    const atMs = draw.whole(0, plan.activeMs);
    actions.push({ kind: 'tell', atMs, contact, tenant, number, fact: `f${nth}`, name });
  }
}

/** One message; its word is its own in the whole plan. */
function saying(
  draw: Draw,
  plan: Drawn,
  { said, ...at }: { atMs: number; contact: number; tenant: number; number: number; said: number },
  onlyTells = false,
): Action {
  const message = draw.chance(0.9) ? 'text' : draw.of<Message>('image', 'reaction', 'voice', 'unsupported');
  const understood = verbs[plan.tenants[at.tenant]?.dialog ?? 'assistant'];
  const [verb, ...others] = understood.filter((each) => !onlyTells || each === 'tell');
  const does = verb === undefined ? '' : `${draw.of(verb, ...others)} `;
  return { kind: 'say', ...at, message, text: `${does}w${said}` };
}
