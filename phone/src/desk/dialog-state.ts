/** Which dialog of the page is open. */
import { signal } from '@preact/signals';

export type OpenDialog =
  | { readonly kind: 'shortcuts' | 'newCustomer' }
  | { readonly kind: 'customer'; readonly contactId: string };

export const openedDialog = signal<OpenDialog | null>(null);

export function openDialog(dialog: OpenDialog | null): void {
  openedDialog.value = dialog;
}
