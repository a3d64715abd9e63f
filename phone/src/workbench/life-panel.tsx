/** The life of one message as a waterfall; each step opens to its raw data. */
import { computed, useSignal } from '@preact/signals';
import { simulatedNowMs } from '../data/clock.ts';
import { selectedWamid } from '../data/selection.ts';
import { CopyButton } from './copy-button.tsx';
import { type LifeLayout, layOut, type PlacedStep } from './life-layout.ts';
import { life, lifeProblem, shownMessage, shownWamid } from './life-store.ts';
import { durationOf, exactTimeOf } from './wording.ts';

const layout = computed<LifeLayout>(() => layOut(life.value?.steps ?? [], simulatedNowMs()));

export function LifePanel() {
  return (
    <div class="wb-life">
      <LifeHead />
      <LifeBody />
    </div>
  );
}

function LifeHead() {
  const message = shownMessage.value;
  const wamid = shownWamid.value;
  const isFollowing = selectedWamid.value === null;
  return (
    <header class="wb-life-head">
      <p class="wb-life-title">
        <span class="wb-life-words">
          {message?.text ?? (wamid === null ? 'No message yet' : (message?.type ?? 'Message'))}
        </span>
        <span class="wb-quiet">{message === null ? '' : exactTimeOf(message.atMs)}</span>
      </p>
      <button
        class="wb-switch-button"
        type="button"
        role="switch"
        aria-checked={isFollowing}
        disabled={wamid === null}
        onClick={() => {
          selectedWamid.value = isFollowing ? wamid : null;
        }}
      >
        <span class="wb-switch" aria-hidden="true" />
        Follow the newest
      </button>
      <p class="wb-life-sum wb-quiet">{sumOf(layout.value)}</p>
      {wamid !== null && (
        <CopyButton text={wamid} name="Copy id of the message">
          Copy id
        </CopyButton>
      )}
    </header>
  );
}

function sumOf({ rows, totalMs }: LifeLayout): string {
  if (rows.length === 0) return '';
  const answeredMs = answeredAfterMs(rows);
  const marks = rows.filter(({ shape }) => shape === 'mark').length;
  return [
    answeredMs === null ? 'not answered yet' : `answered after ${durationOf(answeredMs)}`,
    `${rows.length} steps in ${durationOf(totalMs)}`,
    marks === 0 ? '' : `${marks} marked`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

/** When Meta accepted the first answer, whether the server heard of it or not. */
function answeredAfterMs(rows: LifeLayout['rows']): number | null {
  const outcomeOf = ({ detail }: PlacedStep) =>
    (detail as { ended?: { outcome?: unknown } } | null)?.ended?.outcome;
  const found = rows.find(
    (row) => row.kind === 'answerLost' || (row.kind === 'send' && outcomeOf(row) === 'accepted'),
  );
  return found === undefined ? null : found.afterMs + (found.tookMs ?? 0);
}

function LifeBody() {
  const { rows, ticks } = layout.value;
  if (lifeProblem.value !== null && rows.length === 0) {
    return <p class="wb-empty">Its life cannot be told: {lifeProblem.value}</p>;
  }
  if (rows.length === 0) return <p class="wb-empty">{emptyWords()}</p>;
  return (
    <>
      <div
        class="wb-scale"
        aria-hidden="true"
        title="Long stretches are drawn shorter; the durations are true."
      >
        <div class="wb-ticks">
          {ticks.map(({ at, afterMs }) => (
            <span key={at} class="wb-tick" style={{ transform: `translateX(${at * 100}%)` }}>
              {afterMs === 0 ? '0' : durationOf(afterMs)}
            </span>
          ))}
        </div>
      </div>
      <ol class="wb-steps" onKeyDown={moveAmongSteps}>
        {rows.map((row, index) => (
          // Steps only ever come later ones, and two may begin at one moment.
          <Step key={`${row.kind} ${row.fromMs} ${index}`} row={row} ticks={ticks} />
        ))}
      </ol>
    </>
  );
}

function emptyWords(): string {
  if (shownWamid.value === null)
    return 'Write a message. Its way through the server is shown here, step by step.';
  if (life.value === null) return 'Its life is being read.';
  const isTaken = (shownMessage.value?.acknowledgedAtMs ?? null) !== null;
  return isTaken
    ? 'Its life is not kept any more: so much has happened since.'
    : 'Nothing has happened to it yet.';
}

/** Up and down lead from step to step. */
function moveAmongSteps(event: KeyboardEvent): void {
  const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (by === 0 || !(event.target instanceof Element) || !event.target.matches('.wb-step')) return;
  const steps = [...(event.currentTarget as Element).querySelectorAll<HTMLElement>('.wb-step')];
  const next = steps[steps.indexOf(event.target as HTMLElement) + by];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

interface StepProps {
  row: PlacedStep;
  ticks: LifeLayout['ticks'];
}

function Step({ row, ticks }: StepProps) {
  const isOpen = useSignal(false);
  const { tone, shape, text, start, end, kind } = row;
  const took = tookOf(row);
  return (
    <li class="wb-step-item" data-kind={kind}>
      <button
        class="wb-step"
        type="button"
        aria-expanded={isOpen.value}
        data-tone={tone}
        data-shape={shape}
        title={text}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        <span class="wb-step-name">
          <span class="wb-step-sign" aria-hidden="true" />
          <span class="wb-step-text">{text}</span>
        </span>
        <span class="wb-track" aria-hidden="true">
          {ticks.map(({ at }) => (
            <span key={at} class="wb-grid-line" style={{ transform: `translateX(${at * 100}%)` }} />
          ))}
          <span class="wb-place" style={{ transform: `translateX(${start * 100}%)` }}>
            <span
              class="wb-bar"
              data-running={row.toMs === null ? 'yes' : 'no'}
              style={{ inlineSize: `${(end - start) * 100}%` }}
            />
          </span>
        </span>
        <span class="wb-took">{took}</span>
      </button>
      {isOpen.value && <RawStep row={row} />}
    </li>
  );
}

/** A moment has no duration; it says when it was. */
function tookOf({ tookMs, afterMs }: PlacedStep): string {
  if (tookMs === null) return 'lasts';
  if (tookMs === 0) return afterMs === 0 ? 'at 0' : `+${durationOf(afterMs)}`;
  return durationOf(tookMs);
}

function RawStep({ row: { kind, fromMs, toMs, text, detail } }: { row: PlacedStep }) {
  const raw = JSON.stringify({ kind, fromMs, toMs, text, detail }, null, 2);
  return (
    <div class="wb-raw">
      <p class="wb-raw-head">
        <span>{text}</span>
        <CopyButton text={raw} name="Copy JSON of this step">
          Copy JSON
        </CopyButton>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard */}
      <section class="wb-raw-text" tabIndex={0} aria-label={`Raw data: ${text}`}>
        <pre>{raw}</pre>
      </section>
    </div>
  );
}
