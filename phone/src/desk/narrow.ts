/** Whether the screen is too narrow for a phone and the workbench side by side; styles/desk.css changes at the same width. */
import { signal } from '@preact/signals';

const query = window.matchMedia('(width < 68rem)');

export const isNarrow = signal(query.matches);

query.addEventListener('change', () => {
  isNarrow.value = query.matches;
});
