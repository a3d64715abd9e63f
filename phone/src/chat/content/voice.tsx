/** A voice note. Its bars are drawn from its id: what it sounds like is not looked at. */
import { useRef, useState } from 'preact/hooks';
import { Icon } from '../../desk/icons.tsx';
import { readObject } from '../reading.ts';
import { hashOf, lengthOf } from '../wording.ts';
import { useFile } from './file.ts';

const barsCount = 34;
const rates = [1, 1.5, 2] as const;

function barsOf(seed: string): readonly number[] {
  let state = hashOf(seed) + 1;
  return Array.from({ length: barsCount }, (_, at) => {
    state = (state * 48_271) % 2_147_483_647;
    const swell = 0.35 + 0.65 * Math.abs(Math.sin(at / 3.1 + (state % 7)));
    return Math.max(0.14, Math.min(1, ((state % 1_000) / 1_000) * swell + 0.1));
  });
}

function Bars({ seed, share }: { seed: string; share: number }) {
  return (
    <svg
      class="bars"
      viewBox={`0 0 ${barsCount * 4} 24`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      {barsOf(seed).map((height, at) => (
        <rect
          key={at}
          class={(at + 0.5) / barsCount <= share ? 'heard' : ''}
          x={at * 4}
          y={12 - height * 11}
          width="2.4"
          height={height * 22}
          rx="1.2"
        />
      ))}
    </svg>
  );
}

interface Playing {
  readonly isPlaying: boolean;
  readonly atSeconds: number;
  readonly seconds: number;
  readonly isBroken: boolean;
}

export function Voice({ body, wamid }: { body: unknown; wamid: string }) {
  const file = useFile(body);
  const audio = useRef<HTMLAudioElement>(null);
  const [rateAt, setRateAt] = useState(0);
  const [playing, setPlaying] = useState<Playing>({
    isPlaying: false,
    atSeconds: 0,
    seconds: 0,
    isBroken: false,
  });
  const change = (part: Partial<Playing>) => setPlaying((before) => ({ ...before, ...part }));
  const isVoice = readObject(body).voice !== false;
  const isPlayable = file.kind === 'ready' && !playing.isBroken;
  const toggle = () => {
    const element = audio.current;
    if (!element || !isPlayable) return;
    if (playing.isPlaying) element.pause();
    else element.play().catch(() => change({ isBroken: true }));
  };
  const faster = () => {
    const next = (rateAt + 1) % rates.length;
    setRateAt(next);
    if (audio.current) audio.current.playbackRate = rates[next] ?? 1;
  };
  const share = playing.seconds > 0 ? playing.atSeconds / playing.seconds : 0;
  const length = playing.isPlaying || playing.atSeconds > 0 ? playing.atSeconds : playing.seconds;
  return (
    <span class="voice">
      <button
        type="button"
        class="round"
        disabled={!isPlayable}
        aria-label={`${playing.isPlaying ? 'Pause' : 'Play'} ${isVoice ? 'voice message' : 'audio'}`}
        onClick={toggle}
      >
        <Icon name={playing.isPlaying ? 'pause' : 'play'} />
      </button>
      <Bars seed={wamid} share={share} />
      <span class="voice-foot">
        <span>{playing.isBroken ? 'a sample, nothing to hear' : lengthOf(length)}</span>
        {playing.isPlaying && (
          <button type="button" class="rate" onClick={faster} aria-label="Speed">
            {rates[rateAt]}×
          </button>
        )}
      </span>
      {file.kind === 'ready' && (
        // biome-ignore lint/a11y/useMediaCaption: a voice note has none
        <audio
          ref={audio}
          src={file.address}
          preload="metadata"
          onLoadedMetadata={({ currentTarget: { duration } }) =>
            change({ seconds: Number.isFinite(duration) ? duration : 0 })
          }
          onDurationChange={({ currentTarget: { duration } }) =>
            change({ seconds: Number.isFinite(duration) ? duration : 0 })
          }
          onTimeUpdate={({ currentTarget }) => change({ atSeconds: currentTarget.currentTime })}
          onPlay={() => change({ isPlaying: true })}
          onPause={() => change({ isPlaying: false })}
          onEnded={() => change({ isPlaying: false, atSeconds: 0 })}
          onError={() => change({ isBroken: true })}
        />
      )}
    </span>
  );
}
