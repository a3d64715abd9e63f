/** What a person chose for this page, kept by the browser. A browser that keeps nothing forgets it, no more. */
import { effect, type Signal, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const prefix = 'nightdesk-phone.';

function read(name: string): string | null {
  try {
    return localStorage.getItem(prefix + name);
  } catch {
    return null;
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(prefix + name, value);
  } catch {
    // Storage is full or forbidden: the choice holds for as long as the page is open.
  }
}

function kept<T extends string>(name: string, allowed: readonly T[], byDefault: T): Signal<T> {
  const found = read(name);
  const chosen = signal<T>(allowed.find((each) => each === found) ?? byDefault);
  chosen.subscribe((value) => write(name, value));
  return chosen;
}

export const theme = kept<Theme>('theme', ['system', 'light', 'dark'], 'system');
/** Whether the workbench stands beside the phone on a wide screen. */
export const isWorkbenchOpen = kept('workbench', ['yes', 'no'], 'yes');

const nextTheme: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

export function switchTheme(): void {
  theme.value = nextTheme[theme.value];
}

effect(() => {
  const chosen = theme.value;
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
});
