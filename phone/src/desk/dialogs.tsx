/** The dialogs of the whole page: one at a time, modal by the browser's own means. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { CustomerSettings } from './customer-settings.tsx';
import { openDialog, openedDialog } from './dialog-state.ts';
import { Icon } from './icons.tsx';
import { NewCustomer } from './new-customer.tsx';
import { ShortcutList } from './shortcut-list.tsx';

function Frame({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it by the browser's own means
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="dialog-title"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
    >
      <div class="dialog-inside">
        <header>
          <h2 id="dialog-title">{title}</h2>
          <button
            type="button"
            class="round quiet"
            aria-label="Close"
            onClick={() => dialog.current?.close()}
          >
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

export function Dialogs() {
  const shown = openedDialog.value;
  if (shown === null) return null;
  const close = () => openDialog(null);
  switch (shown.kind) {
    case 'shortcuts':
      return (
        <Frame title="Shortcuts" onClose={close}>
          <ShortcutList />
        </Frame>
      );
    case 'newCustomer':
      return (
        <Frame title="Add a customer" onClose={close}>
          <NewCustomer onDone={close} />
        </Frame>
      );
    case 'customer':
      return (
        <Frame title="Settings of a customer" onClose={close}>
          <CustomerSettings contactId={shown.contactId} onDone={close} />
        </Frame>
      );
  }
}
