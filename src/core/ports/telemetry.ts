/**
 * What the system tells about itself. The names are a contract: dashboards and alerts are built on them. To add a
 * metric, add a row; the exporter registers what stands here, `docs/reference/metrics.md` is checked against it.
 */
export const counters = {
  nightdesk_webhook_acks_total: { labels: ['status'], help: 'Answers to webhook requests, by HTTP status.' },
  nightdesk_webhook_items_total: {
    labels: ['kind'],
    help: 'Items found in webhook bodies, by kind, unknown ones included.',
  },
  nightdesk_webhook_escaped_signatures_total: {
    labels: [],
    help: 'Bodies whose signature fitted only in escaped form: a proxy rewrites them.',
  },
  nightdesk_events_stored_total: { labels: [], help: 'Events stored.' },
  nightdesk_events_duplicate_total: { labels: [], help: 'Events that had been stored before.' },
  nightdesk_events_quarantined_total: {
    labels: ['reason'],
    help: 'Items that belong to no mailbox and wait in quarantine.',
  },
  nightdesk_event_acks_total: {
    labels: ['door', 'status'],
    help: "Answers to the business' own systems, by door (events, stripe) and HTTP status.",
  },
  nightdesk_statuses_total: { labels: ['result'], help: 'Delivery statuses: applied, duplicate, unmatched.' },
  nightdesk_turns_total: { labels: ['result'], help: 'Turns: committed, fenceOld, refused, poison.' },
  nightdesk_late_results_total: { labels: [], help: 'Results and timers of earlier visits, discarded.' },
  nightdesk_taps_total: {
    labels: ['result'],
    help: 'Taps on buttons and rows, by what they were taken as: option, second, stale (explained), unwanted (ignored), foreign (delivered as it came).',
  },
  nightdesk_activities_total: {
    labels: ['activity', 'result'],
    help: 'Ended activities: done, failed, deadline, cancelled, late.',
  },
  nightdesk_model_tokens_total: {
    labels: ['model', 'direction'],
    help: 'Tokens of model calls, in and out.',
  },
  nightdesk_sends_total: {
    labels: ['result'],
    help: 'Answers to sends: accepted, refused, retryLater, uncertain, withdrawn, lateWrite.',
  },
  nightdesk_send_errors_total: { labels: ['code'], help: 'Graph errors, by code.' },
  nightdesk_pacing_waits_total: { labels: ['scope'], help: 'Sends that waited for a pace, by scope.' },
  nightdesk_uncertain_total: {
    labels: ['result'],
    help: 'Uncertain sends: proven by a status, resent, held, dropped.',
  },
  nightdesk_duplicates_proven_total: {
    labels: [],
    help: 'Sends that a customer got twice, proven by two wamids.',
  },
  nightdesk_uploads_total: {
    labels: ['result'],
    help: 'Files that activities gave to Meta: known (Meta had them), sent, failed.',
  },
  nightdesk_receipts_total: { labels: ['result'], help: 'Read receipts: sent, failed, dropped.' },
  nightdesk_wake_tasks_total: {
    labels: ['result'],
    help: 'Tasks of Cloud Tasks: made, known (a process had made it), failed.',
  },
  nightdesk_wake_requests_total: {
    labels: ['status'],
    help: 'Answers of the door of the task queue, by HTTP status.',
  },
  nightdesk_wake_refusals_total: {
    labels: ['reason'],
    help: 'Requests to that door that no good token came with, by reason.',
  },
  nightdesk_rescues_total: {
    labels: ['what'],
    help: 'Leases, activities and sends taken over from a dead owner.',
  },
  nightdesk_alerts_total: { labels: ['reason'], help: 'Things an operator should look at.' },
  nightdesk_limit_used_total: { labels: ['limit'], help: 'Units of limits that were taken.' },
  nightdesk_limit_refusals_total: { labels: ['limit'], help: 'Starts that a limit refused.' },
  nightdesk_charges_total: {
    labels: ['activity', 'end'],
    help: 'What ends of paid activities told of the money: charged, notCharged, disproved, unknown.',
  },
  nightdesk_budget_alerts_total: {
    labels: ['percent'],
    help: "Shares of a tenant's daily budget that were reached.",
  },
  nightdesk_store_faults_total: {
    labels: ['operation'],
    help: 'Store operations that failed and were or will be retried.',
  },
} as const;

export const histograms = {
  nightdesk_ack_seconds: { labels: [], help: 'From the request to our answer.' },
  nightdesk_turn_seconds: { labels: [], help: 'From taking a conversation to its commit.' },
  nightdesk_activity_seconds: { labels: ['activity'], help: 'From the start of an activity to its end.' },
  nightdesk_answer_seconds: {
    labels: [],
    help: 'The number that matters: from the first unanswered message received to its answer accepted.',
  },
  nightdesk_answer_model_seconds: { labels: [], help: "The model's share of nightdesk_answer_seconds." },
  nightdesk_graph_seconds: { labels: [], help: 'From the write of a send to its answer.' },
} as const;

export type CounterName = keyof typeof counters;
export type HistogramName = keyof typeof histograms;

export interface Telemetry {
  count(name: CounterName, labels?: Record<string, string | number>, by?: number): void;
  observe(name: HistogramName, seconds: number, labels?: Record<string, string>): void;
}
