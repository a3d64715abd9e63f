/**
 * How much is measured. Three rounds, because a median of two is a mean and one round is an anecdote; counts that give
 * each measure some seconds on a small machine. `quick` proves that everything runs; its figures mean nothing. To measure
 * more or less, change a number here.
 */
export interface Plan {
  rounds: number;
  tenants: number;
  /** Pair limits bind at 40 messages to one contact, so contacts must be many. */
  contacts: number;
  /** What Meta's upper tier allows a number, at the simulator and in both contestants. */
  sendsPerSecondMax: number;
  acks: { webhooks: number; warmUpWebhooks: number; connections: number };
  overhead: { messagesPerSecond: number; messages: number; warmUpMessages: number };
  throughput: { messages: number; warmUpMessages: number; unacknowledgedMax: number };
  /** One number of the lower tier. */
  pacing: { messages: number; sendsPerSecondMax: number };
  kill: {
    /** How long customers write and the server is killed. */
    lastsMs: number;
    messagesPerSecond: number;
    contacts: number;
    /** From being ready to the next SIGKILL, drawn evenly. */
    killAfterMs: { minMs: number; maxMs: number };
    modelMs: { minMs: number; maxMs: number };
    /** What had no answer for so long while nothing else was answered will have none: after kills, and without any. */
    unchangedMaxMs: number;
    calmMaxMs: number;
  };
  /** Rounds that would end after this are left out, and the report says so. */
  budgetMs: number;
}

export const fullPlan: Plan = {
  rounds: 3,
  tenants: 20,
  contacts: 2_500,
  sendsPerSecondMax: 1_000,
  acks: { webhooks: 20_000, warmUpWebhooks: 4_000, connections: 64 },
  overhead: { messagesPerSecond: 50, messages: 300, warmUpMessages: 100 },
  throughput: { messages: 5_000, warmUpMessages: 500, unacknowledgedMax: 64 },
  pacing: { messages: 400, sendsPerSecondMax: 80 },
  kill: {
    lastsMs: 60_000,
    messagesPerSecond: 50,
    contacts: 500,
    killAfterMs: { minMs: 2_000, maxMs: 4_000 },
    modelMs: { minMs: 50, maxMs: 500 },
    // Nightdesk waits a minute for evidence of a send whose answer was lost; BullMQ looks for stalled work every 30 s.
    unchangedMaxMs: 120_000,
    calmMaxMs: 10_000,
  },
  // Five contestants of some 100 s a round, after pacing and kills of some 300 s each.
  budgetMs: 3_600_000,
};

export const quickPlan: Plan = {
  rounds: 1,
  tenants: 3,
  contacts: 60,
  sendsPerSecondMax: 1_000,
  acks: { webhooks: 200, warmUpWebhooks: 40, connections: 8 },
  overhead: { messagesPerSecond: 50, messages: 25, warmUpMessages: 5 },
  throughput: { messages: 120, warmUpMessages: 20, unacknowledgedMax: 16 },
  pacing: { messages: 20, sendsPerSecondMax: 80 },
  kill: {
    lastsMs: 1_500,
    messagesPerSecond: 20,
    contacts: 20,
    killAfterMs: { minMs: 300, maxMs: 600 },
    modelMs: { minMs: 5, maxMs: 50 },
    unchangedMaxMs: 5_000,
    calmMaxMs: 4_000,
  },
  budgetMs: 240_000,
};
