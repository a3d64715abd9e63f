/** Made-up customers who write all the time: how many a second, and how the answers keep up. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { useClockNowMs } from './clock-card.tsx';
import { devState, isConnected, showLoad } from './dev-state.ts';
import { setLoad } from './doors.ts';
import { answerSeconds } from './figures.ts';
import { quantileOf } from './questions.ts';
import { Figure } from './server-card.tsx';
import { Slider } from './slider.tsx';
import { Sparkline } from './sparkline.tsx';
import { countOf, durationOf } from './wording.ts';

const perSecondMax = 200;
const step = 5;
/** The figures beside the chart are of the newest seconds that are over. */
const recentSeconds = 5;

export function LoadCard() {
  const problem = useSignal<string | null>(null);
  return (
    <section class="wb-card wb-load" aria-labelledby="wb-load-title">
      <header class="wb-card-head">
        <h3 id="wb-load-title">Load</h3>
        <LoadSlider onProblem={(text) => (problem.value = text)} />
      </header>
      <LoadFigures />
      {problem.value !== null && <p class="wb-bad">Not set: {problem.value}</p>}
    </section>
  );
}

interface LoadSliderProps {
  onProblem: (text: string | null) => void;
}

/** While it is moved it shows what is wanted; else what is. */
function LoadSlider({ onProblem }: LoadSliderProps) {
  const wanted = useSignal<number | null>(null);
  const isSending = useRef(false);
  const perSecond = wanted.value ?? devState.value?.load.perSecond ?? 0;

  const send = async (): Promise<void> => {
    if (isSending.current) return;
    isSending.current = true;
    onProblem(null);
    let sent: number | null = null;
    try {
      while (wanted.peek() !== sent && wanted.peek() !== null) {
        sent = wanted.peek();
        showLoad(await setLoad(sent ?? 0));
      }
    } catch (error) {
      onProblem(error instanceof Error ? error.message : String(error));
    } finally {
      isSending.current = false;
      wanted.value = null;
    }
  };

  return (
    <label class="wb-load-slider">
      <span class="unseen">Messages a second</span>
      <Slider
        min={0}
        max={perSecondMax}
        step={step}
        value={perSecond}
        words={`${perSecond} messages a second`}
        disabled={!isConnected.value}
        onValue={(value) => {
          wanted.value = value;
          void send();
        }}
      />
      <output class="wb-value">{perSecond}/s</output>
    </label>
  );
}

function LoadFigures() {
  const nowMs = useClockNowMs();
  const { asked = 0, answered = 0, waiting = 0 } = devState.value?.load ?? {};
  const seconds = answerSeconds.value;
  const second = Math.floor(nowMs / 1_000);
  const recent = seconds.filter((each) => each.second > second - recentSeconds);
  const tookMs = recent.flatMap((each) => each.tookMs);
  const median = quantileOf(tookMs, 0.5);
  const slow = quantileOf(tookMs, 0.95);
  return (
    <div class="wb-load-body">
      <dl class="wb-figures">
        <Figure name="asked" value={countOf(asked)} />
        <Figure name="answered" value={countOf(answered)} />
        <Figure name="waiting" value={countOf(waiting)} />
        <Figure name="median" value={median === null ? '–' : durationOf(median)} />
        <Figure name="95 %" value={slow === null ? '–' : durationOf(slow)} />
      </dl>
      <Sparkline seconds={seconds} nowMs={nowMs} />
    </div>
  );
}
