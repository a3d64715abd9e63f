import { shortcuts } from './shortcuts.ts';

export function ShortcutList() {
  return (
    <dl class="shortcuts">
      {shortcuts.map(({ keys, words }) => (
        <div key={words}>
          <dt>
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dt>
          <dd>{words}</dd>
        </div>
      ))}
    </dl>
  );
}
