/**
 * Every limit of the system, with its unit, its reason and its relations. A limit that is met refuses upstream
 * (Meta keeps the message for seven days) or flags a person; it never drops. To add a limit, add it here with the reason,
 * and its relation to the others to `assertLimits`.
 */
const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export const limits = {
  /** Meta's maximum for a webhook body: 3 MB. */
  webhookBodyBytesMax: 3 * 1024 * 1024,
  /** Bodies that may wait for a commit: two group commits' worth of the largest burst; beyond it 503. */
  appendWaitingMax: 2_048,
  /** What one group commit may cost, in appended messages: keeps it, and what follows it at once, under 50 ms. */
  groupCommitCostMax: 256,
  /** And in time, where the machine is slow: no commit takes another change after it. */
  groupCommitMsMax: 10,
  /** Items of one body in one change: a thousand updates are 32, of some milliseconds each. */
  appendSliceMax: 32,
  /** Connections to one port at once; a further one is closed. Meta behind a proxy needs a few dozen. */
  httpConnectionsMax: 2_000,
  /** From the first byte of a request to the end of its headers, and from a connection to its first request. */
  httpHeadersTimeoutMs: 10 * secondMs,
  /** From the first byte of a request to its last: the largest body at 100 kB/s. */
  httpRequestTimeoutMs: 30 * secondMs,
  /** A kept connection without a request: longer than the 60 s of the usual proxy, which must be the one to close it. */
  httpIdleTimeoutMs: 75 * secondMs,
  /** Memory of all bodies that are being received or worked on; a body that finds no room gets 503. */
  httpBodiesBytesMax: 64 * 1024 * 1024,
  /** A body up to this size is always taken: nearly all of Meta's are under 10 kB. */
  httpBodyFreeBytes: 64 * 1024,
  /** What a 503 tells Meta to wait. */
  retryAfterMs: 5 * secondMs,
  /** An event of the business' own systems: it goes whole through a turn, so it holds ids and amounts, not documents. */
  businessEventBytesMax: 64 * 1024,
  /** An event of a payment provider: mostly what we do not keep. Stripe's hold 50 values of 500 letters at most. */
  paymentEventBytesMax: 256 * 1024,
  /** How far the time in a provider's signature may be from ours; Stripe's own libraries take five minutes. */
  paymentSignatureToleranceMs: 5 * minuteMs,
  /** Keys of a tenant that open at once: two systems, each with an old and a new one. */
  apiKeysLiveMax: 4,
  /** A line about bodies that the store did not take comes at most this often, with their count. */
  refusalLogEveryMs: 10 * secondMs,
  /** Events that one turn takes: a flood from one customer must not make one endless turn. */
  turnEventsMax: 50,
  /** Times a refused or failing turn is run again before its event is declared poison. */
  turnAttemptsMax: 3,
  /** Conversations taken in one round trip, whose turns run without a pause: about 5 ms of work. */
  takeBatchMax: 16,
  /** A lease outlives this; renewed every third of it. */
  leaseTtlMs: 10 * secondMs,
  /** A conversation whose row another change holds is looked at again after this: such a change takes some milliseconds. */
  lockedAgainMs: 20,
  /** Polling only repairs what no wake announced. */
  sweepEveryMs: 5 * secondMs,
  sweepBatchMax: 1_000,
  /** What a process tells the others goes out together this often at most: split roles cost that much at the median, and half. */
  noticeEveryMs: 20,
  /** The next sweep where the last one was full, and less than half of a batch waits here: about what a process works off in this time. */
  sweepAgainMs: 250,
  /** A wake due later than this stays in the store, whose sweep finds it when it is due: a queue holds what is near. */
  wakeQueuedMsMax: hourMs,
  /** Wakes that this process remembers while their queue is slow or away: some MB. Those beyond it are the sweep's. */
  wakesHeldMax: 20_000,
  /** Wakes told to a queue in one round trip: some milliseconds of its time. */
  wakeBatchMax: 256,
  /** Conversations that one process takes off a queue at once: two rounds of its four batches of turns. */
  wakesTakenMax: 128,
  /** An entry of a queue is held open this long for a look; then the sweep must do. */
  wakeLookMsMax: minuteMs,
  /** What holds an entry of a queue and is not heard of for this long is dead: another process takes it. */
  wakeLockMs: 15 * secondMs,
  /** Whoever of a queue does not answer in this time is away, and is asked again this often. */
  wakeAnswerMsMax: 2 * secondMs,
  wakeRetryMs: secondMs,
  /** Handing back what was taken off a queue at a stop. */
  wakeStopMsMax: 3 * secondMs,
  /** Wrong tries of one address at an operator's page, and for how long they count: a person who mistypes, not a search. */
  adminTriesMax: 10,
  adminTriesMs: minuteMs,
  /** A dedupe key must outlive Meta's seven days of retries. */
  dedupeKeepMs: 9 * dayMs,
  dedupeKeepMinMs: 8 * dayMs,
  /** What one page of a contact's export holds, about; a row goes whole, and the largest is a webhook body. */
  contactPageBytes: 1024 * 1024,
  /** Rows that one step looks through for the files that other contacts use: some milliseconds. */
  contactLookRows: 1_000,
  retentionMs: 30 * dayMs,
  retentionMinMs: 8 * dayMs,
  /** Rows deleted in one step of pruning, so that the hot path waits at most for one small step. */
  pruneStepRows: 500,
  /**
   * After a step that found much the next follows when this many times of what it took are over, so a process prunes for a fifth of
   * its time at most. 500 messages a second leave some 2,000 rows: four steps.
   */
  prunePauseTimes: 4,
  /** But no sooner than this, however quick a step was. */
  pruneAgainMinMs: 50,
  pruneEveryMs: minuteMs,
  /** Failed sends that a scrape counts, by an index alone: some ms. */
  statsRowsMax: 100_000,
  /** Pages of conversations that a scrape reads, of 8 kB: 50,000 conversations are counted, of more a part; about 20 ms. */
  statsPagesMax: 2_000,
  /** Meta's service window: free-form messages only within 24 h of the customer's last message. */
  serviceWindowMs: 24 * hourMs,
  /** A sender that wakes up later than this after its slot was granted gives the slot back instead of writing late. */
  sendWriteMaxMs: 2 * secondMs,
  /** From the write to the whole answer of Graph. */
  graphTimeoutMs: 20 * secondMs,
  /** Sends on the wire at once in one process: 1,000/s at 100 ms a call, with room. */
  sendsInFlightMax: 256,
  sendAttemptsMax: 5,
  /** A scope that a person must mend (token, restriction) is tried again after this, in case somebody has. */
  pauseProbeMs: 15 * minuteMs,
  /** Code 131048 means that customers block or report the number: hours, not minutes. */
  spamPauseMs: 4 * hourMs,
  /** Backoff of one send that was certainly not accepted. */
  sendBackoffBaseMs: 500,
  sendBackoffMaxMs: minuteMs,
  /** Read receipts that may wait; the oldest is dropped and counted. */
  receiptsWaitingMax: 500,
  receiptTimeoutMs: 5 * secondMs,
  /** Sends handed to one grant: one transaction, well under a millisecond each. */
  grantBatchMax: 64,
  /** Wait for a status that proves an uncertain send, while statuses of that number arrive. */
  uncertainWindowMs: minuteMs,
  /** The same where the answer was an error that probably means refused. */
  uncertainWindowAfterErrorMs: 10 * secondMs,
  /** Ends the wait where no statuses arrive at all. */
  uncertainCapMs: 15 * minuteMs,
  /** A wait that began less far ahead is one that a call of before tells of late, not a sign that the clock was set back. */
  clockSetBackMinMs: minuteMs,
  /** Later sends of the number whose statuses came, before silence about one counts as evidence. */
  uncertainEvidenceSends: 3,
  /** Meta's pair limit: one message per 6 s to one user, 45 at once by borrowing; we stay 5 under it. */
  pairEveryMs: 6 * secondMs,
  pairBurst: 40,
  /** Meta's default throughput of a phone number, in and out together. */
  numberSendsPerSecond: 80,
  /** The same for a number also used in the WhatsApp Business app. */
  coexistenceSendsPerSecond: 20,
  /** Running activities of one tenant, and of one process. */
  activitiesPerTenantMax: 32,
  activitiesTotalMax: 512,
  /** Begun without a pause: some milliseconds of work. */
  activitiesBegunAtOnceMax: 8,
  /** Answers of the store, and of other servers, taken up in one round of the event loop: each begins part of a millisecond of work. */
  answersPerRoundMax: 8,
  /** Attempts of one activity inside its deadline. */
  activityAttemptsMax: 3,
  activityBackoffBaseMs: 250,
  activityBackoffMaxMs: 4 * secondMs,
  /** An attempt of paid work whose commit is older is not made: another process may have taken the activity over. */
  attemptAgeMaxMs: 2 * secondMs,
  /** Times that an uncertain charge is looked into after its activity is over; then it is counted as spent and flagged. */
  chargeTriesMax: 8,
  /** Waits between them: eight tries are about an hour. */
  chargeBackoffBaseMs: 15 * secondMs,
  chargeBackoffMaxMs: 20 * minuteMs,
  /** One try to find out: a provider that hangs holds up nobody. */
  chargeTryTimeoutMs: minuteMs,
  /** Of them at once in one process. */
  chargesInFlightMax: 16,
  /** What an activity's provider may answer: several large pictures in base64. */
  providerAnswerBytesMax: 64 * 1024 * 1024,
  /** Consecutive failures of one tenant's model that open its circuit, and how long it stays open. */
  circuitFailuresMax: 10,
  circuitOpenMs: 15 * secondMs,
  /** A fault of the store is retried with this backoff; meanwhile nothing is lost, the lease or the row holds it. */
  storeRetryBaseMs: 50,
  storeRetryMaxMs: 2 * secondMs,
  /** One answer of the assistant: waiting, attempts and all. */
  replyTimeoutMs: 10 * secondMs,
  /** At most one fallback text per conversation in this time. */
  fallbackQuietMs: 10 * minuteMs,
  /** The longest that `quietMs` may hold an answer back, unless set. */
  quietMaxMs: 15 * secondMs,
  interruptsPerAnswerMax: 2,
  /** A model sees this many messages of history, and about this many tokens of it. */
  historyMessagesMax: 30,
  historyTokensMax: 6_000,
  /** Meta's maximum for audio: 16 MB. Source: developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media. */
  mediaBytesMax: 16 * 1024 * 1024,
  /** A customer's file that a dialog asks for: asking where it lies, the download and its attempts. */
  fetchMediaTimeoutMs: minuteMs,
  /** Meta's have 15 to 20 digits. */
  mediaIdCharsMax: 256,
  /** A file that is kept. What Meta takes depends on its kind (`fileLimits`). */
  fileBytesMax: 100 * 1024 * 1024,
  /** Meta keeps an upload for 30 days; a send that is queued for a while must still find it. */
  uploadKeepMs: 29 * dayMs,
  /** The use of a file is written down this often, which is far less than it is kept for. */
  fileUseNotedEveryMs: dayMs,
  /** Files that one step of upkeep lets go. */
  filesRemovedAtOnceMax: 100,
  /** A file on its way to Meta: the largest at 1 MB/s. */
  uploadTimeoutMs: 100 * secondMs,
  /** Recordings of one answer that are fetched and transcribed at once: four of the largest are 64 MB of memory. */
  transcriptionsAtOnceMax: 4,
  /** Twenty minutes of speech; a model that is asked more answers late. What is longer is cut and says so. */
  transcriptCharsMax: 20_000,
  /** Transcripts that a process remembers, so that no attempt and no later answer pays for one again: 20 MB at most. */
  transcriptsKeptMax: 500,
  /** Two bots must not talk for ever: replies to one contact in an hour. */
  repliesPerContactPerHourMax: 60,
  /** The text limit of one message. Source: developers.facebook.com/documentation/business-messaging/whatsapp (text messages). */
  textCharsMax: 4_096,
  /** A snapshot larger than this is a dialog that stores what it should not. */
  snapshotBytesMax: 64 * 1024,
  /** What a request of the task queue may wait for a pace, a timer or a quiet time; later things become a task of their own, so that no instance is paid for waiting. */
  inRequestWaitMaxMs: 5 * secondMs,
  /** How long the task queue waits for our answer: the usual time limit of a request to Cloud Run, and of most proxies before it. */
  taskDeadlineMs: 5 * minuteMs,
  /** Before that deadline the door answers that it is not done: an answer and what is written down first must still fit. */
  taskAnswerReserveMs: 10 * secondMs,
  /** Google refuses a task further ahead than 30 days; clocks differ. What is later waits in the store for the sweep. */
  taskHorizonMs: 30 * dayMs - hourMs,
  /** One attempt to make a task, and how many: Meta is waiting for its 200 and gives up after some ten seconds. */
  taskCreateTimeoutMs: 2 * secondMs,
  taskCreateAttemptsMax: 3,
  /** Tasks that are being made at once; one takes some 20 ms, and Google lets a queue dispatch 500 in a second. */
  tasksMakingMax: 64,
  /** A wake's body: ids, and the sends that wait. */
  taskBodyBytesMax: 16 * 1024,
  /** Sends that one task names; the sweep finds the others. */
  taskSendsMax: 50,
  /** Whole seconds for which a timer or an uncertain send has a task: all that are due in one share it. */
  taskLookEveryMs: secondMs,
  /** Clocks of the issuer of a token and of this machine. */
  tokenSkewMs: 30 * secondMs,
  /** The keys that tokens are signed with are read again after this; Google lets them be kept for hours. */
  tokenKeysKeepMs: 10 * minuteMs,
  /** An unknown key has them read again at most this often, whoever sends it. */
  tokenKeysAgainMs: 30 * secondMs,
  tokenKeysTimeoutMs: 5 * secondMs,
  /** An access token is renewed this long before its end. */
  accessTokenReserveMs: 5 * minuteMs,
  /** Steps of pruning in one sweep that was called for: 50,000 rows, of some 200 messages a second if it is called each minute. */
  sweepPruneStepsMax: 100,
  stopDeadlineMs: 10 * secondMs,
  /** A hold that nobody works ends after this. */
  holdIdleMs: 8 * hourMs,
} as const;

export type Limits = { readonly [K in keyof typeof limits]: number };

/** The relations between limits; called at start with what configuration made of them. */
export function assertLimits(l: Limits): void {
  const rules: [boolean, string][] = [
    [l.dedupeKeepMs >= l.dedupeKeepMinMs, 'dedupeKeepMs must be at least 8 days: Meta retries for 7'],
    [l.fileUseNotedEveryMs < l.retentionMinMs, 'fileUseNotedEveryMs must be under retentionMinMs'],
    [l.retentionMs >= l.retentionMinMs, 'retentionMs must be at least 8 days: Meta retries for 7'],
    [l.sendWriteMaxMs * 3 < l.leaseTtlMs, 'sendWriteMaxMs must be under a third of leaseTtlMs'],
    [l.attemptAgeMaxMs * 3 < l.leaseTtlMs, 'attemptAgeMaxMs must be under a third of leaseTtlMs'],
    [l.uncertainWindowMs < l.uncertainCapMs, 'uncertainWindowMs must be under uncertainCapMs'],
    [
      l.httpHeadersTimeoutMs <= l.httpRequestTimeoutMs,
      'httpHeadersTimeoutMs must not pass httpRequestTimeoutMs',
    ],
    [l.webhookBodyBytesMax <= l.httpBodiesBytesMax, 'httpBodiesBytesMax must hold one body'],
    [
      l.appendSliceMax * 2 <= l.groupCommitCostMax,
      'appendSliceMax must be at most half of groupCommitCostMax',
    ],
    [
      l.taskAnswerReserveMs * 2 < l.taskDeadlineMs,
      'taskAnswerReserveMs must be under half of taskDeadlineMs',
    ],
    [
      l.taskDeadlineMs >= 15_000 && l.taskDeadlineMs <= 30 * 60_000,
      'taskDeadlineMs must be between 15 s and 30 minutes: Cloud Tasks takes no other',
    ],
    [l.inRequestWaitMaxMs < l.taskDeadlineMs, 'inRequestWaitMaxMs must be under taskDeadlineMs'],
    [l.pairBurst <= 45, 'pairBurst must not pass the 45 that Meta allows'],
    [l.turnEventsMax > 0 && l.takeBatchMax > 0, 'turnEventsMax and takeBatchMax must be over 0'],
  ];
  for (const [holds, rule] of rules)
    if (!holds) throw new RangeError(`Limits contradict each other: ${rule}.`);
}

/**
 * Puts configured values in the place of the defaults above, once, before anything runs. It changes the one object, so
 * that a limit has one value in a process.
 * @throws RangeError where a name is unknown, a value is not a number over 0, or the limits contradict each other.
 */
export function configureLimits(values: Partial<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(name in limits))
      throw new RangeError(`There is no limit "${name}". The names stand in src/core/limits.ts.`);
    if (typeof value !== 'number' || !(value > 0))
      throw new RangeError(`The limit "${name}" must be a number over 0.`);
  }
  const next = { ...limits, ...values } as Limits;
  assertLimits(next);
  Object.assign(limits, next);
}
