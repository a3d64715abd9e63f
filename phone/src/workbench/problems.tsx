/** What keeps the bot from running: type errors, a config that is refused. Laid over the foot, so that nothing moves. */
import { useSignal } from '@preact/signals';
import { devState } from './dev-state.ts';
import type { Problem } from './doors.ts';

export function Problems() {
  const problems = devState.value?.problems ?? [];
  const hidden = useSignal<readonly Problem[] | null>(null);
  const isHidden = hidden.value !== null && JSON.stringify(hidden.value) === JSON.stringify(problems);
  return (
    <div class="wb-problems" role="alert">
      {problems.length > 0 && !isHidden && (
        <div class="wb-problems-box">
          <header>
            <strong>
              {problems.length === 1 ? '1 problem' : `${problems.length} problems`} in the bot’s files
            </strong>
            <button class="wb-small" type="button" onClick={() => (hidden.value = problems)}>
              Hide
            </button>
          </header>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard */}
          <ul tabIndex={0} aria-label="Problems">
            {problems.map((problem, index) => (
              <li key={`${index} ${problem.text}`}>
                {problem.file !== undefined && <code>{placeOf(problem)}</code>}
                <span>{problem.text}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

const placeOf = ({ file, line }: Problem) => (line === undefined ? file : `${file}:${line}`);
