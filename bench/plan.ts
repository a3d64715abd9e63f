/**
 * How much is measured. Three rounds, because a median of two is a mean and one round is an anecdote; counts that give
 * each measure some seconds on a small machine and keep the whole run under six minutes. `quick` proves that everything
 * runs; its figures mean nothing. To measure more or less, change a number here.
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
  budgetMs: 330_000,
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
  budgetMs: 60_000,
};
