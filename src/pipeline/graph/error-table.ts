/**
 * What every error code of the Cloud API means for a send, as data. Codes decide, never the HTTP status alone and never
 * the words: Meta answers throttles with 400, and changes titles. An answer with an error of this table promises that
 * nothing was accepted, except for the rows marked `uncertain`.
 *
 * To add a code, add a row (the table is in order of codes), and a line to `test/graph/error-table.test.ts`.
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes and /groups/error-codes
 */
export type GraphAction =
  /** Again after a backoff; nothing else waits for it. */
  | 'retry'
  /** Too fast: again after a backoff, and the scope goes slower and recovers by itself. */
  | 'slowNumber'
  | 'slowPair'
  | 'slowWaba'
  | 'slowApp'
  /** Nothing of this scope can leave until a person has mended something: the sends wait, nothing is lost. */
  | 'pauseNumber'
  | 'pauseWaba'
  | 'pauseTenant'
  /** This message will never be taken. */
  | 'stop'
  /** Only a template may be sent to this contact now. */
  | 'template'
  /** Belongs to other calls (registration, templates, calling setup); a send that meets it stops. */
  | 'notOfSends';

export type GraphScope = 'send' | 'pair' | 'number' | 'waba' | 'tenant' | 'app';

export const scopeOfAction: Readonly<Record<GraphAction, GraphScope>> = {
  retry: 'send',
  slowNumber: 'number',
  slowPair: 'pair',
  slowWaba: 'waba',
  slowApp: 'app',
  pauseNumber: 'number',
  pauseWaba: 'waba',
  pauseTenant: 'tenant',
  stop: 'send',
  template: 'send',
  notOfSends: 'send',
};

export interface GraphRule {
  code: number;
  /** Last code of a range that begins with `code`. */
  throughCode?: number;
  meaning: string;
  action: GraphAction;
  scope: GraphScope;
  /** The documented status; absent where none is documented. Informative, except for what is not 4xx. */
  httpStatus?: number;
  /** Does not promise that nothing was accepted. */
  uncertain: boolean;
  /** An operator should look. */
  alert: boolean;
  /** The recipient is to be remembered as not reachable. */
  suppress: boolean;
  /** Narrows `suppress`: only after several in a row, or only for marketing messages. */
  suppressWhen?: 'several' | 'marketing';
  /** The shortest wait before the next attempt, where it is known. */
  retryAfterMs?: number;
}

type More = Partial<
  Pick<GraphRule, 'throughCode' | 'uncertain' | 'alert' | 'suppress' | 'suppressWhen' | 'retryAfterMs'>
>;

function row(
  action: GraphAction,
  code: number,
  httpStatus: number | null,
  meaning: string,
  more: More = {},
): GraphRule {
  const status = httpStatus === null ? {} : { httpStatus };
  const scope = scopeOfAction[action];
  return {
    code,
    meaning,
    action,
    scope,
    ...status,
    uncertain: false,
    alert: false,
    suppress: false,
    ...more,
  };
}

const alert = { alert: true } as const;
const uncertain = { uncertain: true } as const;
const minuteMs = 60_000;

export const errorTable: readonly GraphRule[] = [
  row('pauseTenant', 0, 401, 'the token expired or was invalidated', alert),
  row('retry', 1, 400, 'unknown API error: a bad request or trouble at Meta', uncertain),
  row('retry', 2, 503, 'temporary downtime or overload', uncertain),
  row('pauseWaba', 3, 500, 'capability or permission missing', alert),
  row('slowApp', 4, 400, 'call limit of the app', { retryAfterMs: minuteMs }),
  row('pauseWaba', 10, 403, 'permission not granted, removed, or not eligible', alert),
  row('pauseNumber', 33, 400, 'phone number deleted, or its id is wrong', alert),
  row('stop', 100, 400, 'parameter unsupported, misspelt or too long', alert),
  row('pauseTenant', 104, 401, 'token missing, or its proof is wrong', alert),
  row('pauseTenant', 190, 401, 'the token expired or is invalid', alert),
  row('pauseTenant', 200, 403, 'no token given, or permission missing', alert),
  row('pauseWaba', 201, 403, 'permission missing or removed', { throughCode: 299, alert: true }),
  row('pauseWaba', 368, 403, 'waba restricted for a policy violation', alert),
  row('slowApp', 613, 400, 'call rate limit', { retryAfterMs: minuteMs }),
  row('slowWaba', 80007, 400, 'rate limit of the waba'),
  row('stop', 130403, null, 'you blocked this user', { suppress: true }),
  row('slowNumber', 130429, 400, 'throughput of the number reached'),
  row('stop', 130472, 400, 'the user is part of a marketing experiment'),
  row('stop', 130497, 403, 'waba barred from messaging that country', { alert: true, suppress: true }),
  row('notOfSends', 130501, null, 'unsupported message type in a group (inbound)'),
  row('retry', 131000, 500, 'unknown error', uncertain),
  row('pauseWaba', 131005, 403, 'access denied', alert),
  row('stop', 131008, 400, 'required parameter missing'),
  row('stop', 131009, 400, 'parameter value invalid'),
  row('retry', 131016, 500, 'service unavailable', uncertain),
  row('stop', 131020, 400, 'group invalid'),
  row('stop', 131021, 400, 'sender and recipient are the same'),
  row('stop', 131026, 400, 'undeliverable: not on WhatsApp, old app, or terms not accepted', {
    suppress: true,
    suppressWhen: 'several',
  }),
  row('stop', 131030, 400, "recipient not on the test number's list of allowed recipients", alert),
  row('pauseWaba', 131031, 403, 'business locked, or PIN mismatch', alert),
  row('pauseNumber', 131037, 400, 'number lacks an approved display name', alert),
  row('stop', 131041, 400, 'group unknown, or number not in it'),
  row('pauseWaba', 131042, 400, 'payment problem', alert),
  row('notOfSends', 131044, null, 'billing problem (calling)', alert),
  row('pauseNumber', 131045, 500, 'number not registered: certificate', alert),
  row('template', 131047, 400, 'service window closed'),
  row('pauseNumber', 131048, 400, 'spam rate limit: too many blocks and reports', alert),
  row('stop', 131049, 400, 'per-user marketing limit'),
  row('stop', 131050, 400, 'user opted out of marketing', { suppress: true, suppressWhen: 'marketing' }),
  row('stop', 131051, 400, 'unsupported message type'),
  row('stop', 131052, 400, 'media could not be downloaded'),
  row('stop', 131053, 400, 'media could not be uploaded'),
  row('stop', 131055, 400, 'method not allowed (marketing messages)'),
  row('slowPair', 131056, 400, 'pair rate limit'),
  row('slowNumber', 131057, 500, 'number in maintenance', { retryAfterMs: minuteMs }),
  row('stop', 131058, 400, 'hello_world may only be sent from test numbers'),
  row('notOfSends', 131059, 400, 'invalid or expired cursor'),
  row('stop', 131062, 400, 'a business-scoped user id is not supported for this message'),
  row('stop', 131063, null, 'marketing templates disabled on the Cloud API', alert),
  row('stop', 131064, null, 'templates limited after a wrong category', alert),
  row('stop', 131201, 206, 'group: partial success', alert),
  row('stop', 131202, 400, 'group: bad input'),
  row('stop', 131204, 400, 'group: bad input'),
  row('stop', 131207, 403, 'group suspended', alert),
  row('slowNumber', 131208, 429, 'rate of group operations'),
  row('stop', 131209, 400, 'group: limit'),
  row('stop', 131210, 400, 'group: bad input'),
  row('stop', 131211, 400, 'group: bad input'),
  row('stop', 131212, 400, 'group: bad input'),
  row('stop', 131213, 400, 'group: bad input'),
  row('notOfSends', 131214, 400, 'creation of groups is off', alert),
  row('notOfSends', 131215, 400, 'number not eligible for groups', alert),
  row('stop', 132000, 400, 'template: number of parameters differs'),
  row('stop', 132001, 404, 'template or its language missing or not approved', alert),
  row('stop', 132005, 400, 'template: text too long with its parameters'),
  row('stop', 132007, 400, 'template violates a policy', alert),
  row('stop', 132012, 400, 'template: format of a parameter differs'),
  row('stop', 132015, 400, 'template paused for its quality', alert),
  row('stop', 132016, 400, 'template disabled for good', alert),
  row('stop', 132018, 400, 'template: validation (marketing messages)'),
  row('stop', 132068, 400, 'waFlow blocked', alert),
  row('retry', 132069, 400, 'waFlow throttled: 10 messages an hour', { retryAfterMs: 60 * minuteMs }),
  row('notOfSends', 133000, 500, 'an earlier deregistration is incomplete', alert),
  row('retry', 133004, 503, 'server temporarily unavailable', uncertain),
  row('notOfSends', 133005, 400, 'PIN wrong', alert),
  row('pauseNumber', 133006, 400, 'number must be verified first', alert),
  row('notOfSends', 133008, 400, 'too many PIN guesses'),
  row('notOfSends', 133009, 400, 'PIN entered too quickly'),
  row('pauseNumber', 133010, 400, 'number not registered', alert),
  row('retry', 133015, 400, 'number just deleted, deletion still running', { retryAfterMs: 5 * minuteMs }),
  row('notOfSends', 133016, 400, 'limit of registrations: 10 in 72 h', alert),
  row('stop', 134011, null, 'terms of payments not accepted', alert),
  row('stop', 134100, 400, 'only marketing messages here'),
  row('retry', 134101, 400, 'template still syncing, up to 10 minutes', { retryAfterMs: 5 * minuteMs }),
  row('stop', 134102, 500, 'template not available for marketing messages', alert),
  row('stop', 135000, 400, 'unknown error with the parameters of the request'),
  row('stop', 137000, 400, 'identity key of the recipient changed', alert),
  row('stop', 138000, 400, 'calling: not permitted, not enabled, or a limit', { throughCode: 138018 }),
  row('stop', 139000, 400, 'waFlow blocked or invalid', { throughCode: 139004, alert: true }),
  row('stop', 139100, 400, 'blocking of users failed', { throughCode: 139103 }),
  row('template', 139200, 400, 'direct send not eligible'),
  row('notOfSends', 147001, 400, 'business username', { throughCode: 147005 }),
  row('notOfSends', 200005, 400, 'template insights', { throughCode: 200007 }),
  row('notOfSends', 1752041, 400, 'marketing messages: already being set up'),
  row('notOfSends', 2388001, 400, 'migration of a number', alert),
  row('notOfSends', 2388012, 400, 'migration of a number', alert),
  row('notOfSends', 2388019, 400, 'limit of 250 templates', alert),
  row('stop', 2388039, 400, 'template: format'),
  row('stop', 2388040, 400, 'template: format'),
  row('stop', 2388047, 400, 'template: format'),
  row('stop', 2388072, 400, 'template: format'),
  row('stop', 2388073, 400, 'template: format'),
  row('notOfSends', 2388091, 400, 'migration of a number', alert),
  row('notOfSends', 2388093, 400, 'migration of a number', alert),
  row('notOfSends', 2388103, 400, 'migration of a number', alert),
  row('stop', 2388293, 400, 'template: format'),
  row('stop', 2388299, 400, 'template: format'),
  row('template', 2388318, 400, 'direct send: needs a template'),
  row('template', 2388330, 400, 'direct send: needs a template'),
  row('slowNumber', 2494100, 400, 'number in maintenance', { retryAfterMs: minuteMs }),
  row('notOfSends', 2593079, 400, 'on-behalf-of model'),
  row('notOfSends', 2593085, 400, 'on-behalf-of model'),
  row('notOfSends', 2593107, 400, 'sync with the Business app asked for twice', alert),
  row('notOfSends', 2593108, 400, 'sync with the Business app asked for after 24 h', alert),
  row('notOfSends', 2593109, null, 'the business declined to share its history'),
];

const exact = new Map(
  errorTable.filter((rule) => rule.throughCode === undefined).map((rule) => [rule.code, rule]),
);
const ranges = errorTable.filter((rule) => rule.throughCode !== undefined);

/** The row of a code, for answers and for `failed` statuses alike. */
export function knownRule(code: number): GraphRule | undefined {
  return (
    exact.get(code) ?? ranges.find((rule) => code >= rule.code && code <= (rule.throughCode ?? rule.code))
  );
}

/**
 * The rule for an answer. A code that is not in the table stops its message and calls an operator, unless the answer
 * says that it is transient. A 5xx (or an error in a 2xx) promises no refusal, unless its row documents that status class.
 */
export function ruleFor(answer: { code: number; httpStatus: number; isTransient: boolean }): GraphRule {
  const { code, httpStatus, isTransient } = answer;
  const known = knownRule(code);
  const isPromise = (status: number) => status >= 300 && status < 500;
  if (known !== undefined) {
    const documented =
      known.httpStatus !== undefined && Math.floor(known.httpStatus / 100) === Math.floor(httpStatus / 100);
    return isPromise(httpStatus) || documented ? known : { ...known, uncertain: true };
  }
  if (isTransient || !isPromise(httpStatus))
    return row('retry', code, httpStatus, 'unknown, transient', uncertain);
  return row('stop', code, httpStatus, 'unknown', alert);
}
