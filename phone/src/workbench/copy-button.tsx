/** Copies text. Where the browser keeps the clipboard to itself (a page that is not from this machine), it says so. */
import { useSignal } from '@preact/signals';

const shownMs = 1_600;

interface CopyButtonProps {
  text: string;
  name: string;
  children: string;
}

export function CopyButton({ text, name, children }: CopyButtonProps) {
  const result = useSignal<string | null>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      result.value = 'Copied';
    } catch {
      result.value = 'The browser refuses';
    }
    window.setTimeout(() => {
      result.value = null;
    }, shownMs);
  };
  return (
    <button class="wb-small" type="button" aria-label={result.value ?? name} onClick={() => void copy()}>
      <span role="status">{result.value ?? children}</span>
    </button>
  );
}
