/** The message whose life is shown beside the phone, by its wamid. */
import { signal } from '@preact/signals';
import { isWorkbenchOpen } from './preferences.ts';

export const selectedWamid = signal<string | null>(null);

/** On a narrow screen there is one view at a time. */
export type View = 'phone' | 'workbench';
export const view = signal<View>('phone');

export function showLifeOf(wamid: string): void {
  selectedWamid.value = wamid;
  isWorkbenchOpen.value = 'yes';
  view.value = 'workbench';
}
