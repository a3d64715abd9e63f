/** Faults of the product that its own adversaries found, each mended at its root with a test. To add one, say what a customer or operator would have met. */
type Adversary =
  | 'simulation'
  | 'crash points'
  | 'machine faults'
  | 'many machines'
  | 'hostile input'
  | 'security tests'
  | 'checker of dialogs'
  | 'tests of the doctor';

export const faultsFound: readonly (readonly [Adversary, string])[] = [
  [
    'simulation',
    'Tenants that one process applied were unknown to the others: their messages waited in quarantine.',
  ],
  [
    'simulation',
    'The quiet time of a later message put off work that was due, after a crash or a lease that was given back.',
  ],
  ['simulation', 'A failed status that came after a person’s verdict on the send raised no flag.'],
  ['simulation', 'An answer that was returned after a hand-back was withdrawn without a flag.'],
  [
    'simulation',
    'A clock that was set back made quiet times, sends, uncertain sends and the circuit breaker wait, and the audit report losses that were none.',
  ],
  ['simulation', 'The time of a flag was that of before the clock was set back.'],
  ['simulation', 'A system message in one batch with messages merged two customers.'],
  ['simulation', 'Merges under a hold, or with a hand-back under way, lost an answer or gave it twice.'],
  ['simulation', 'A merge repeated an answer that was in flight.'],
  ['simulation', 'A result that was settled just before a take-over was said after the hand-back.'],
  ['simulation', 'The model was asked again about what a merge had moved behind the question.'],
  [
    'simulation',
    'What a turn took of a limit was counted for a contact that had become another, so for nobody.',
  ],
  ['simulation', 'Of a flood that one answer was for, the model never saw the first messages.'],
  ['simulation', 'A blank text of a dialog left the customer without an answer.'],
  [
    'simulation',
    'An activity that a sweep had found was never begun where the tenants could not be read at the same moment.',
  ],
  [
    'simulation',
    'Work that a dialog started in the same turn as a hand-back was forgotten by the dialog, and ran on.',
  ],
  [
    'simulation',
    'What a dialog said did not answer what it had seen before by WhatsApp’s time and what stood behind it: that awaited its answer for ever.',
  ],
  [
    'simulation',
    'A merge asked anew what waited for paid work, so one action of a customer was paid for twice.',
  ],
  [
    'simulation',
    'A process that was held up between the commit of a paid attempt and its request asked the provider when another had found out that nothing was charged, and handed the money back.',
  ],
  [
    'simulation',
    'After the clock was set back, sends that had left before an uncertain one were taken for later ones, and so for evidence that it was not accepted.',
  ],
  [
    'simulation',
    'What a long mailbox started after a hand-back, and before the turn that read of it, was taken for ended by the take-over: it ran on, and the dialog had forgotten it.',
  ],
  [
    'simulation',
    'A sweep that was held up told of an older time, which was taken for a clock that was set back: the wait for evidence was cut short.',
  ],
  [
    'simulation',
    'What was said counted as the answer to a message that its dialog saw only afterwards, by WhatsApp’s time: where a person took over then, that message was nobody’s.',
  ],
  [
    'simulation',
    'A question for slots that failed put in doubt also what was on the wire, which a stale offer had named: it was granted again, and sent twice.',
  ],
  [
    'checker of dialogs',
    'A dialog that waited for work when a person took over, and did not handle the hand-back, waited for ever.',
  ],
  [
    'checker of dialogs',
    'A first message that a dialog did not handle was met with silence, where its first state set a timer.',
  ],
  [
    'tests of the doctor',
    'Where a webhook was reached by an address instead of a name, its certificate was asked for by a name that TLS does not know.',
  ],
  [
    'crash points',
    'A database that was removed while the server was down, with its write-ahead log left, was opened as if nothing were missing.',
  ],
  [
    'crash points',
    'A kill while `secret.key` was written left it short or empty, and the next start took it.',
  ],
  [
    'machine faults',
    'A database file that was removed under the server took messages that nobody could read again.',
  ],
  ['machine faults', 'A lock file that was removed let a second server own the same database.'],
  [
    'machine faults',
    'A socket that failed before it was connected made a send uncertain that had certainly not left.',
  ],
  ['machine faults', 'A failed load of the model’s library was remembered until the next start.'],
  ['machine faults', 'A full disk wrote one line to the log for each refused body.'],
  ['machine faults', 'Folders and keys of another user ended in errors without a remedy.'],
  [
    'machine faults',
    'A clock that was set back by an hour in the milliseconds in which slots were asked for silenced the number for that hour.',
  ],
  [
    'many machines',
    'A worker whose Redis was gone when it was told to stop never ended: a timer of BullMQ held the process.',
  ],
  [
    'many machines',
    'With Cloud Tasks, an activity that was freed from a dead process waited up to a minute for the next sweep, while its fresh deadline ran out: its customer got the fallback text.',
  ],
  [
    'hostile input',
    'Deeply nested and very wide bodies held the event loop for up to 3 s, a full body of messages for 190 ms.',
  ],
  ['hostile input', 'Bodies that were begun and never ended took 1,400 MB of memory.'],
  ['security tests', 'The second try over the escaped form accepted a body that was not signed.'],
  ['security tests', 'A notice on the path of one tenant could name the number of another.'],
  [
    'security tests',
    'Words of foreign errors, which may hold a customer’s text, reached logs, flags and dead letters.',
  ],
  [
    'security tests',
    'The comparison of the metrics token told its length; the data folder was readable for others; the command socket was not its owner’s alone.',
  ],
  ['security tests', 'An error about a bad configuration quoted a key.'],
];
