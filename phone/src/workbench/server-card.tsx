/** The server as a process: its state, the button that ends it without mercy, and what that did. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { devState, isConnected, refusal } from './dev-state.ts';
import type { DevState, ServerStateName } from './doors.ts';
import { downMsOf, kill, killNow, killProblem } from './figures.ts';
import { figuresOf, type Kill, verdictOf } from './kill-report.ts';
import { countOf, durationOf } from './wording.ts';

const stateWords: Readonly<Record<ServerStateName, string>> = {
  starting: 'starting',
  ready: 'ready',
  stopped: 'stopped',
  failed: 'failed',
};

const redrawMs = 100;

export function ServerCard() {
  const server = devState.value?.server;
  const state = isConnected.value ? server?.state : undefined;
  return (
    <section class="wb-card wb-server" aria-labelledby="wb-server-title">
      <header class="wb-card-head">
        <h3 id="wb-server-title">Server</h3>
        <span class="wb-state" data-state={state ?? 'unknown'} role="status">
          {state === undefined ? 'no connection' : stateWords[state]}
        </span>
        <span class="wb-aside">{server === undefined ? '' : processOf(server)}</span>
      </header>
      <button
        class="wb-kill"
        type="button"
        disabled={state !== 'ready'}
        onClick={() => void killNow()}
        title="SIGKILL to the process of the server, as a power cut would end it"
      >
        kill -9 the server
      </button>
      <KillReport />
    </section>
  );
}

function processOf({ pid, kills, restarts }: DevState['server']): string {
  const parts = [
    pid === null ? '' : `pid ${pid}`,
    restarts === 0 ? '' : `${countOf(restarts)} ${restarts === 1 ? 'restart' : 'restarts'}`,
    kills === 0 ? '' : `${countOf(kills)} ${kills === 1 ? 'kill' : 'kills'}`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function KillReport() {
  const last = kill.value;
  const problem = killProblem.value;
  if (refusal.value !== null) return <p class="wb-report wb-bad">{refusal.value}</p>;
  if (problem !== null) return <p class="wb-report wb-bad">Not killed: {problem}</p>;
  if (last === null) {
    return (
      <p class="wb-report wb-quiet">
        Ends the process in the middle of its work. What is asked meanwhile waits.
      </p>
    );
  }
  const { isNothingLost, isDown, asked, answered, waiting } = figuresOf(last);
  return (
    <div class="wb-report">
      <dl class="wb-figures">
        <Figure name="down" value={<DownTime kill={last} />} />
        <Figure name="held back" value={countOf(last.waitingMax)} />
        <Figure name="asked" value={countOf(asked)} />
        <Figure name="answered" value={countOf(answered)} />
        <Figure name="waiting" value={countOf(waiting)} />
      </dl>
      <p class="wb-verdict" data-tone={isNothingLost ? 'good' : isDown ? 'bad' : 'note'} role="status">
        {verdictOf(last)}
      </p>
    </div>
  );
}

interface FigureProps {
  name: string;
  value: ComponentChildren;
}

export function Figure({ name, value }: FigureProps) {
  return (
    <div class="wb-figure">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Runs while it is down. */
function DownTime({ kill: shown }: { kill: Kill }) {
  const [, redraw] = useState(0);
  const isDown = shown.downMs === null;
  useEffect(() => {
    if (!isDown) return;
    const timer = window.setInterval(() => redraw((count) => count + 1), redrawMs);
    return () => window.clearInterval(timer);
  }, [isDown]);
  return <>{durationOf(downMsOf(shown))}</>;
}
