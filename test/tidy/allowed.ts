/**
 * The exceptions from the tidy rules, each with its reason. One that is not needed any more is itself a finding, so the
 * list only holds what is true.
 */
export interface Exception {
  /** A file, or a folder with `/` at its end. */
  path: string;
  /** What of the rule's things; all of them if absent. */
  of?: readonly string[];
  reason: string;
  /** A folder that need not have anything to excuse. */
  mayBeUnused?: true;
}

/** Calls of the clock, of chance and of the network. */
export const allowedCalls: readonly Exception[] = [
  { path: 'src/runtime/world/', reason: 'the one place that names the real world' },
  {
    path: 'phone/src/data/clock.ts',
    of: ['Date.now'],
    reason: 'learns how far the simulator’s clock is ahead',
  },
  {
    path: 'phone/src/data/control.ts',
    of: ['fetch'],
    reason: 'the page’s door to the control API',
  },
  {
    path: 'phone/src/data/media.ts',
    of: ['fetch'],
    reason: 'the page’s door to files',
  },
  {
    path: 'phone/src/workbench/doors.ts',
    of: ['fetch'],
    reason: 'the page’s door to `nightdesk dev`',
  },
  { path: 'bench/', reason: 'measures real time', mayBeUnused: true },
  { path: 'scripts/', reason: 'run by hand, on a real machine', mayBeUnused: true },
  { path: 'test/proof/', reason: 'proves the running process in real time', mayBeUnused: true },
  {
    path: 'test/world/http-client.test.ts',
    of: ['setTimeout'],
    reason: 'the server must answer later than an idle connection lives, which only time can tell',
  },
  {
    path: 'test/simulation/pool.ts',
    of: ['setTimeout'],
    reason: 'a seed that spins holds its own process; another one must end it, by the clock of the wall',
  },
  {
    path: 'test/simulation/simulation.test.ts',
    of: ['Math.random', 'setTimeout', 'AbortSignal.timeout'],
    reason: 'they are called to see that a simulation refuses them',
  },
];

/** Where our own word for something else would be wrong. */
export const allowedWords: readonly Exception[] = [
  {
    path: 'test/hostile/coverage-guided.ts',
    of: ['session'],
    reason: 'what Node calls a connection to its inspector',
  },
  {
    path: 'src/simulator/inbound/history-sync.ts',
    of: ['thread'],
    reason: 'Meta’s key for the chats of a history',
  },
  { path: 'src/core/dialog/transition.ts', of: ['session'], reason: 'XState’s name for the id of an actor' },
  { path: 'src/files/s3/index.ts', of: ['session'], reason: 'the key of the library that signs' },
  { path: 'src/simulator/inbound/notices.ts', of: ['session'], reason: 'Meta’s key for what a call offers' },
  { path: 'phone/src/data/unread.ts', of: ['session'], reason: 'the browser’s name for what a tab keeps' },
  { path: 'test/simulator/other-webhooks.test.ts', of: ['thread'], reason: 'Meta’s key for those chats' },
  { path: 'test/simulator/shapes/', of: ['thread'], reason: 'Meta’s key for those chats' },
  { path: 'bench/observer.ts', of: ['thread'], reason: 'Node’s name of the CPU time of one thread' },
  {
    path: 'src/simulator/graph/graph-errors.ts',
    of: ['account', 'session'],
    reason: 'the titles of errors are Meta’s, word for word',
  },
  {
    path: 'src/wake/bullmq/',
    of: ['job'],
    reason: 'what BullMQ calls an entry of its queue',
    mayBeUnused: true,
  },
  ...['src/store/sqlite/worker/', 'src/runtime/store-worker.ts', 'test/store/worker.test.ts'].map((path) => ({
    path,
    of: ['thread'],
    reason: 'Node’s name of what the store runs in',
  })),
  {
    path: 'docs/adr/0008-the-store-in-a-worker.md',
    of: ['thread'],
    reason: 'Node’s name of what the store runs in',
  },
  {
    path: 'src/surface/console/',
    of: ['session'],
    reason: 'the log-in of an operator is a session',
    mayBeUnused: true,
  },
  {
    path: 'test/console/',
    of: ['session'],
    reason: 'the log-in of an operator is a session',
    mayBeUnused: true,
  },
  {
    path: 'docs/cloud-run.md',
    of: ['account', 'job'],
    reason: 'options and commands of Google’s command line',
  },
];

export const allowedFileLines: readonly Exception[] = [];

export const allowedFunctionLines: readonly Exception[] = [];

export function isAllowed(exceptions: readonly Exception[], path: string, thing?: string): boolean {
  return exceptions.some((exception) => excuses(exception, path, thing));
}

export function excuses({ path: excused, of }: Exception, path: string, thing?: string): boolean {
  const isThere = excused.endsWith('/') ? path.startsWith(excused) : path === excused;
  return isThere && (of === undefined || thing === undefined || of.includes(thing));
}
