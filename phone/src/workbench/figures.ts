/** Questions and answers as the page counts them, and what the last kill did; see `questions.ts` for what is counted. */
import { signal } from '@preact/signals';
import { simulatedNowMs } from '../data/clock.ts';
import type { SimulatorEvent } from '../data/control.ts';
import { gathered } from '../data/gathered.ts';
import { onEvents } from '../data/live.ts';
import { waiting } from '../data/status.ts';
import { devState } from './dev-state.ts';
import { killServer } from './doors.ts';
import type { Kill } from './kill-report.ts';
import { type AnswerSecond, type Question, Questions } from './questions.ts';

/** Faster than this nobody reads figures. */
const redrawMs = 200;

let questions = new Questions();
let lastSeq = 0;

export const answerSeconds = signal<readonly AnswerSecond[]>([]);
export const kill = signal<Kill | null>(null);
/** Why the last kill was refused. */
export const killProblem = signal<string | null>(null);

onEvents((told, isPast) => {
  const asked: Question[] = [];
  let isAnswered = false;
  // What was missed while the connection was lost cannot be counted any more.
  const hasGap = isPast && lastSeq > 0 && (told[0]?.seq ?? 0) > lastSeq + 1;
  if (hasGap) beginAnew();
  for (const event of told) {
    if (event.seq <= lastSeq) continue;
    lastSeq = event.seq;
    if (event.kind === 'reset') beginAnew();
    const question = note(event);
    if (question !== null) asked.push(question);
    isAnswered ||= event.kind === 'sendAccepted';
  }
  if (asked.length === 0 && !isAnswered) return;
  showSoon();
  noteKill(asked);
});

function beginAnew(): void {
  questions = new Questions();
  const last = kill.value;
  if (last !== null && last.concerned !== settledOf) kill.value = { ...last, isCut: true };
}

const showSoon = gathered(async () => {
  answerSeconds.value = [...questions.seconds];
}, redrawMs);

function note(event: SimulatorEvent): Question | null {
  return event.kind === 'said' || event.kind === 'sendAccepted' ? questions.note(event) : null;
}

function noteKill(asked: readonly Question[]): void {
  const last = kill.value;
  if (last === null) return;
  const isDown = last.downMs === null;
  // What it concerned is settled: nothing that is asked now changes the report.
  if (!isDown && last.concerned === settledOf) return;
  if (!isDown && last.concerned.every(({ answeredAtMs }) => answeredAtMs !== null))
    settledOf = last.concerned;
  kill.value = isDown ? { ...last, concerned: [...last.concerned, ...asked] } : { ...last };
}

let settledOf: readonly Question[] | null = null;
let killedAtMs = 0;

export async function killNow(): Promise<void> {
  killProblem.value = null;
  const concerned = questions.open();
  killedAtMs = performance.now();
  const begun: Kill = {
    pid: devState.value?.server.pid ?? 0,
    killedAtMs: simulatedNowMs(),
    downMs: null,
    concerned,
    waitingMax: 0,
    isCut: false,
  };
  kill.value = begun;
  try {
    const { pid } = await killServer();
    if (kill.value !== null) kill.value = { ...kill.value, pid };
  } catch (error) {
    kill.value = null;
    killProblem.value = error instanceof Error ? error.message : String(error);
  }
}

/** How long it has been down, or was. */
export const downMsOf = ({ downMs }: Kill): number => downMs ?? performance.now() - killedAtMs;

waiting.subscribe(({ updates, inFlight, retrying }) => {
  const last = kill.peek();
  const count = updates + inFlight + retrying;
  if (last === null || last.downMs !== null || count <= last.waitingMax) return;
  kill.value = { ...last, waitingMax: count };
});

devState.subscribe((state) => {
  const last = kill.peek();
  if (state === null || last === null || last.downMs !== null) return;
  const isBack = state.server.state === 'ready' && state.server.pid !== null && state.server.pid !== last.pid;
  if (isBack) kill.value = { ...last, downMs: performance.now() - killedAtMs };
});
