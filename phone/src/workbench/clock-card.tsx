/** The clock that the server and the look-alike of Meta go by: how far it is ahead, and what that does to the open chat. */
import { useSignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { simulatedNowMs } from '../data/clock.ts';
import { conversationAt } from '../data/conversations.ts';
import { activePhone } from '../data/phones.ts';
import { devState, isConnected, receivedAtMs } from './dev-state.ts';
import { jumpClock } from './doors.ts';
import { clockTimeOf, dateOf, durationOf } from './wording.ts';

const jumps = [
  { jumpMs: 10 * 60_000, text: '+10 min' },
  { jumpMs: 3 * 3_600_000, text: '+3 h' },
  { jumpMs: 25 * 3_600_000, text: '+25 h' },
] as const;

const redrawMs = 1_000;

/** The time there, moving with the page's own stopwatch between two states. */
export function useClockNowMs(): number {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => redraw((count) => count + 1), redrawMs);
    return () => window.clearInterval(timer);
  }, []);
  const clock = devState.value?.clock;
  return clock === undefined ? simulatedNowMs() : clock.nowMs + performance.now() - receivedAtMs.value;
}

export function ClockCard() {
  const nowMs = useClockNowMs();
  const aheadMs = devState.value?.clock.aheadMs ?? 0;
  const problem = useSignal<string | null>(null);
  const jump = async (jumpMs: number): Promise<void> => {
    problem.value = null;
    await jumpClock(jumpMs).catch((error: unknown) => {
      problem.value = error instanceof Error ? error.message : String(error);
    });
  };
  return (
    <section class="wb-card wb-clock" aria-labelledby="wb-clock-title">
      <header class="wb-card-head">
        <h3 id="wb-clock-title">Clock</h3>
        <time class="wb-time" dateTime={new Date(nowMs).toISOString()}>
          <span class="wb-date">{dateOf(nowMs)} </span>
          {clockTimeOf(nowMs)}
        </time>
        <span class="wb-ahead" role="status">
          {aheadMs === 0 ? 'real time' : `${durationOf(aheadMs)} ahead`}
        </span>
      </header>
      <div class="wb-jumps">
        {jumps.map(({ jumpMs, text }) => (
          <button
            key={text}
            type="button"
            aria-label={`Jump ${text}`}
            disabled={!isConnected.value}
            onClick={() => void jump(jumpMs)}
          >
            {text}
          </button>
        ))}
      </div>
      {problem.value === null ? (
        <ServiceWindow nowMs={nowMs} />
      ) : (
        <p class="wb-window wb-bad">No jump: {problem.value}</p>
      )}
    </section>
  );
}

function ServiceWindow({ nowMs }: { nowMs: number }) {
  const phone = activePhone.value;
  if (!phone || phone.phoneNumberId === null) return <p class="wb-window wb-quiet">No chat is open.</p>;
  const { contactId, phoneNumberId } = phone;
  const untilMs = conversationAt({ contactId, phoneNumberId }).windowUntilMs.value;
  const isOpen = untilMs !== null && untilMs > nowMs;
  return (
    <p class="wb-window" data-open={isOpen ? 'yes' : 'no'} role="status">
      <span class="wb-window-light" aria-hidden="true" />
      <span>{windowWords(untilMs, nowMs)}</span>
    </p>
  );
}

/** To the minute, so that a screen reader is not told each second. */
function windowWords(untilMs: number | null, nowMs: number): string {
  if (untilMs === null) return 'Service window closed: the customer wrote nothing yet.';
  const leftMs = Math.abs(untilMs - nowMs);
  const left = leftMs < 60_000 ? 'less than 1 min' : durationOf(Math.floor(leftMs / 60_000) * 60_000);
  if (untilMs > nowMs) return `Service window open for ${left} more.`;
  return `Service window closed for ${left}: only templates may be sent.`;
}
