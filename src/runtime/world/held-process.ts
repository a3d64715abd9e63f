/** What keeps a process alive that has nothing more to do, such as a library's timer that waits for a server that is gone. */

/** More than what a log or an answer on its way to a pipe takes. */
const heldMsMax = 1_000;

/** To be called at the very end: the process ends with its exit code, by itself or a moment later. */
export function endThoughHeld(): void {
  setTimeout(() => process.exit(), heldMsMax).unref();
}
