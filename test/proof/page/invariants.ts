/** The invariants: what each says, and the places that enforce it. The page names the checkers and tests that watch it. */
export interface InvariantRow {
  name: string;
  says: string;
  /** Files of the product, each with what it does for it. */
  code: readonly (readonly [string, string])[];
  /** What the database itself refuses. */
  sql: string;
}

export const invariants: readonly InvariantRow[] = [
  {
    name: 'I1',
    says: '200 is answered only after the commit that stored every event of the body.',
    code: [
      ['src/pipeline/webhook/station.ts', 'answers after both commits resolved, else 503'],
      ['src/store/sqlite/database/group-commit.ts', 'resolves after `COMMIT`'],
    ],
    sql: '`synchronous = FULL`, WAL',
  },
  {
    name: 'I2',
    says: 'Two events with one dedupe key: one row, for at least 8 days.',
    code: [
      ['src/store/sqlite/mailbox/append.ts', 'claims the key and stores the event in one transaction'],
      ['src/core/limits.ts', 'refuses a retention under 8 days'],
    ],
    sql: 'unique index `event_by_dedupe_key`',
  },
  {
    name: 'I3',
    says: 'Events of a conversation are consumed in order, each by exactly one committed turn.',
    code: [
      ['src/store/sqlite/mailbox/turns.ts', 'takes by position, consumes by name'],
      ['src/store/sqlite/outbox/grants.ts', 'lets the head of a lane leave, alone'],
    ],
    sql: 'unique index `event_by_position`; a conversation has one lease',
  },
  {
    name: 'I4',
    says: 'A turn commits everything or nothing, and only with the newest fence.',
    code: [['src/store/sqlite/mailbox/turns.ts', 'compares fence and owner in the commit']],
    sql: 'one transaction; a refused change is rolled back alone',
  },
  {
    name: 'I5',
    says: 'A send exists only by a committed turn or an operator; it is written to the socket only from `sending`.',
    code: [
      ['src/store/sqlite/outbox/grants.ts', 'paces and the mark in one commit, before the socket'],
      ['src/pipeline/outbox/station.ts', 'gives a slot back that it would use too late'],
    ],
    sql: '`CHECK` on `send.state`, unique index `send_by_ordinal`',
  },
  {
    name: 'I6',
    says: 'No pace (number, pair, tenant) is exceeded over all processes together.',
    code: [
      ['src/core/pacing/gcra.ts', 'the arithmetic'],
      ['src/store/sqlite/outbox/pace-book.ts', 'one row for each scope, read and written in the grant'],
    ],
    sql: 'primary key of `pace`; written in the same transaction as `sending`',
  },
  {
    name: 'I7',
    says: 'A cost is reserved before the paid call and ends settled, refunded or (visibly) uncertain, once; no customer action starts two paid calls.',
    code: [
      [
        'src/store/sqlite/money/starts.ts',
        'reserves in the turn’s commit, after its limits were judged there',
      ],
      [
        'src/store/sqlite/money/ledger.ts',
        'moves an entry by the table, with its postings, and commits each attempt',
      ],
      ['src/pipeline/activity/own.ts', 'asks only under an attempt that was committed'],
      ['src/pipeline/activity/charges.ts', 'finds out what is uncertain, a bounded number of times'],
      ['src/core/dialog/check/rules/paid-twice.ts', 'refutes dialogs in which one action pays twice'],
    ],
    sql: 'unique index `ledger_entry_open`; `CHECK` on `ledger_entry`; triggers `ledger_posting_is_final` and `ledger_posting_is_kept`',
  },
  {
    name: 'I8',
    says: 'One state visit starts an activity at most once; a late result changes nothing.',
    code: [
      ['src/core/dialog/run-turn.ts', 'names activities by their visit'],
      ['src/store/sqlite/mailbox/activities.ts', 'settles only what is running and owned'],
    ],
    sql: 'unique index `activity_by_id`, `CHECK` on `activity.state`',
  },
  {
    name: 'I9',
    says: 'Every acknowledged event ends in exactly one allowed end; `nightdesk audit` counts them.',
    code: [
      ['src/store/sqlite/operators/audit.ts', 'counts every end and names what has none'],
      ['src/pipeline/mailbox/keeper.ts', 'finds what no wake announced'],
    ],
    sql: '`CHECK` on `event.end`; indexes `event_open` and `event_awaiting`',
  },
  {
    name: 'I10',
    says: 'No statement reads or writes across tenants.',
    code: [['src/store/sqlite/database/schema.ts', 'every key begins with `tenant_id`']],
    sql: 'primary keys and indexes by tenant',
  },
  {
    name: 'I11',
    says: 'An uncertain send is resolved in bounded time, by evidence or by policy.',
    code: [['src/store/sqlite/outbox/uncertain.ts', 'statuses, evidence, then the policy, under one cap']],
    sql: 'partial index `send_uncertain`',
  },
  {
    name: 'I12',
    says: 'From every reachable state of a dialog, some customer message or timer leads on (`nightdesk check`, [how](checking-a-dialog.md)).',
    code: [
      ['src/core/dialog/check/rules/dead-ends.ts', 'refutes it with the shortest chat'],
      ['src/core/dialog/check/both-ways.ts', 'takes every guard both ways'],
      ['src/core/dialog/run-turn.ts', 'closes the silent ends of statecharts'],
      ['src/core/dialog/steps/waiting.ts', 'answers every kind of message in a step'],
    ],
    sql: 'none: a dialog is code',
  },
];
