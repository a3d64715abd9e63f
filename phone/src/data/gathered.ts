/** Many wishes for the same work within a moment are one. It fails silently: what wished for it wishes again. */
export function gathered(work: () => Promise<void>, afterMs: number): () => void {
  let timer: number | null = null;
  return () => {
    if (timer !== null) return;
    timer = window.setTimeout(() => {
      timer = null;
      work().catch(() => {});
    }, afterMs);
  };
}
