/**
 * A sheet that comes up inside one phone, so that the other one can still be used. What lies under it is inert; Escape, the
 * shade and the cross close it, and the focus goes back to where it was.
 */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../../desk/icons.tsx';

export interface SheetProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Sheet({ title, onClose, children }: SheetProps) {
  const sheet = useRef<HTMLDivElement>(null);
  // Before it is painted: who sees it can close it by a key.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const wanted = sheet.current?.querySelector<HTMLElement>('[data-autofocus], input, .sheet-body button');
    (wanted ?? sheet.current)?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <div class="sheet-place">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the cross and Escape do the same */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the cross and Escape do the same */}
      <div class="shade" onClick={onClose} />
      <div
        ref={sheet}
        class="sheet"
        role="dialog"
        aria-label={title}
        tabIndex={-1}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          onClose();
        }}
      >
        <header>
          <h3>{title}</h3>
          <button type="button" class="round quiet" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        <div class="sheet-body">{children}</div>
      </div>
    </div>
  );
}
