/**
 * Graph errors as Meta words them: HTTP status, title and details by code, in the synchronous shape (the `error` object
 * of an answer) and in the asynchronous one (the `errors[]` element of a failed status).
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes.
 * Throttling answers 400, not 429: a client must read the code. To add a code, add a row.
 */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface GraphErrorRow {
  readonly httpStatus: number;
  readonly title: string;
  readonly details: string;
  readonly subcode?: number;
  readonly isTransient?: true;
  /** How the synchronous answer words it, where that is not "(#code) title". */
  readonly message?: string;
  /** Graph's own errors carry no `error_data`. */
  readonly isBare?: true;
}

const ROWS: Readonly<Record<number, GraphErrorRow>> = {
  0: { httpStatus: 401, title: 'AuthException', details: 'The app user could not be authenticated.' },
  1: { httpStatus: 400, title: 'API Unknown', details: 'An unknown error occurred.' },
  2: {
    httpStatus: 503,
    title: 'Service temporarily unavailable',
    details: 'Temporary due to downtime or due to being overloaded.',
    isTransient: true,
  },
  3: { httpStatus: 500, title: 'API Method', details: 'Capability or permissions issue.' },
  4: {
    httpStatus: 400,
    title: 'Application request limit reached',
    details: 'The app has reached its API call rate limit.',
  },
  10: {
    httpStatus: 403,
    title: 'Permission Denied',
    details: 'Permission is either not granted or has been removed.',
  },
  33: {
    httpStatus: 400,
    title: 'Parameter value is not valid',
    details: 'The business phone number has been deleted.',
  },
  100: {
    httpStatus: 400,
    title: 'Invalid parameter',
    details: 'The request included one or more unsupported or misspelled parameters.',
  },
  104: {
    httpStatus: 401,
    title: 'Access token required',
    details: 'The request has no access token.',
    message: 'An access token is required to request this resource.',
    isBare: true,
  },
  190: {
    httpStatus: 401,
    title: 'Invalid OAuth access token',
    details: 'The access token has expired.',
    subcode: 463,
    isBare: true,
  },
  200: {
    httpStatus: 403,
    title: 'API Permission',
    details: 'Permission is either not granted or has been removed.',
    isBare: true,
  },
  368: {
    httpStatus: 403,
    title: 'Temporarily blocked for policies violations',
    details: 'The WABA has been restricted for violating a platform policy.',
  },
  2500: {
    httpStatus: 400,
    title: 'Unknown path components',
    details: 'The path or its version is unknown.',
    isBare: true,
  },
  80007: { httpStatus: 400, title: 'Rate limit issues', details: 'The WABA has reached its rate limit.' },
  130403: { httpStatus: 400, title: 'Recipient blocked', details: 'The business has blocked this user.' },
  130429: {
    httpStatus: 400,
    title: 'Rate limit hit',
    details: 'Cloud API message throughput has been reached.',
    subcode: 2494055,
  },
  130472: {
    httpStatus: 400,
    title: "User's number is part of an experiment",
    details: 'Message was not sent as part of an experiment.',
  },
  130497: {
    httpStatus: 403,
    title: 'Business restricted from messaging users in this country',
    details: 'The WABA is restricted from messaging users in certain countries.',
  },
  131000: {
    httpStatus: 500,
    title: 'Something went wrong',
    details: 'Message failed to send due to an unknown error.',
  },
  131005: {
    httpStatus: 403,
    title: 'Access denied',
    details: 'Permission is either not granted or has been removed.',
  },
  131008: {
    httpStatus: 400,
    title: 'Required parameter is missing',
    details: 'The request is missing a required parameter.',
  },
  131009: {
    httpStatus: 400,
    title: 'Parameter value is not valid',
    details: 'One or more parameter values are invalid.',
  },
  131016: { httpStatus: 500, title: 'Service unavailable', details: 'A service is temporarily unavailable.' },
  131021: {
    httpStatus: 400,
    title: 'Recipient cannot be sender',
    details: 'Sender and recipient phone number is the same.',
  },
  131026: { httpStatus: 400, title: 'Message undeliverable', details: 'Message Undeliverable.' },
  131030: {
    httpStatus: 400,
    title: 'Recipient phone number not in allowed list',
    details: 'Recipient phone number not in allowed list.',
  },
  131031: {
    httpStatus: 403,
    title: 'Business locked',
    details: 'The WABA has been restricted or disabled for violating a platform policy.',
  },
  131037: {
    httpStatus: 400,
    title: 'Display name approval needed',
    details: 'The 555 business phone number does not have an approved display name.',
  },
  131041: {
    httpStatus: 400,
    title: 'Group not found',
    details: 'The group is unknown or the business is not a member.',
  },
  131042: {
    httpStatus: 400,
    title: 'Business eligibility payment issue',
    details: 'Message failed to send because of an issue with the payment method.',
  },
  131045: {
    httpStatus: 500,
    title: 'Incorrect certificate',
    details: 'Message failed to send due to a phone number registration error.',
  },
  131047: {
    httpStatus: 400,
    title: 'Re-engagement message',
    details:
      'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
  },
  131048: {
    httpStatus: 400,
    title: 'Spam rate limit hit',
    details:
      'Message failed to send because there are restrictions on how many messages can be sent from this phone number.',
  },
  131049: {
    httpStatus: 400,
    title: 'This message was not delivered to maintain healthy ecosystem engagement.',
    details: 'In order to maintain a healthy ecosystem engagement, the message failed to be delivered.',
  },
  131050: {
    httpStatus: 400,
    title: 'User opted out of marketing',
    details: 'The user stopped marketing messages of this business.',
  },
  131051: {
    httpStatus: 400,
    title: 'Unsupported message type',
    details: 'Message type is currently not supported.',
  },
  131052: {
    httpStatus: 400,
    title: 'Media download error',
    details: 'Unable to download the media sent by the user.',
  },
  131053: {
    httpStatus: 400,
    title: 'Media upload error',
    details: 'Unable to upload the media used in the message.',
  },
  131056: {
    httpStatus: 400,
    title: '(Business Account, Consumer Account) pair rate limit hit',
    details:
      'Too many messages sent from the sender phone number to the same recipient phone number in a short period of time.',
  },
  131057: {
    httpStatus: 500,
    title: 'Phone number in maintenance mode',
    details: 'The business phone number is in maintenance mode.',
  },
  131059: {
    httpStatus: 400,
    title: 'Invalid cursor',
    details: 'The cursor is invalid or has expired.',
  },
  131062: {
    httpStatus: 400,
    title: 'Recipient not supported',
    details: 'Business-scoped user IDs are not supported for this message.',
  },
  132000: {
    httpStatus: 400,
    title: 'Template Param Count Mismatch',
    message: '(#132000) Number of parameters does not match the expected number of params',
    details: 'The number of variable parameter values does not match the template.',
  },
  132001: {
    httpStatus: 404,
    title: 'Template does not exist',
    message: '(#132001) Template name does not exist in the translation',
    details: 'The template does not exist in the given language or has not been approved.',
  },
  132005: {
    httpStatus: 400,
    title: 'Template Hydrated Text Too Long',
    details: 'Translated text is too long.',
  },
  132007: {
    httpStatus: 400,
    title: 'Template Format Character Policy Violated',
    details: 'Template content violates a policy.',
  },
  132012: {
    httpStatus: 400,
    title: 'Template Parameter Format Mismatch',
    message: '(#132012) Parameter format does not match format in the created template',
    details: 'Variable parameter values are formatted incorrectly.',
  },
  132015: { httpStatus: 400, title: 'Template is Paused', details: 'Template is paused due to low quality.' },
  132016: {
    httpStatus: 400,
    title: 'Template is Disabled',
    details: 'Template has been paused too many times and is now permanently disabled.',
  },
  133004: {
    httpStatus: 503,
    title: 'Server Temporarily Unavailable',
    details: 'Server is temporarily unavailable.',
  },
  133005: {
    httpStatus: 400,
    title: 'Two step verification PIN Mismatch',
    details: 'Two-step verification PIN incorrect.',
  },
  133016: {
    httpStatus: 400,
    title: 'Register and deregister limit',
    details: 'The number was registered or deregistered too often in a short time.',
  },
  133010: {
    httpStatus: 400,
    title: 'Phone number Not Registered',
    details: 'Phone number not registered on the platform.',
  },
  135000: {
    httpStatus: 400,
    title: 'Generic user error',
    details: 'Message failed to send because of an unknown error with the request parameters.',
  },
  137000: {
    httpStatus: 400,
    title: 'Recipient identity key hash mismatch',
    details: 'The identity key hash of the recipient is not the one that was given.',
  },
};

/** The words of 190 by its subcode. */
const TOKEN_MESSAGES: Readonly<Record<number, string>> = {
  463: 'Error validating access token: Session has expired.',
  467: 'Error validating access token: The session is invalid because the user logged out.',
};

const UNKNOWN_ROW: GraphErrorRow = {
  httpStatus: 400,
  title: 'Unknown error',
  details: 'An error code that no table lists.',
};

export const GRAPH_ERROR_CODES: readonly number[] = Object.keys(ROWS).map(Number);

export function graphErrorHttpStatus(code: number): number {
  return (ROWS[code] ?? UNKNOWN_ROW).httpStatus;
}

export function jsonAnswer(status: number, value: unknown): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: JSON.stringify(value),
  };
}

export interface GraphErrorOptions {
  readonly traceId: string;
  readonly httpStatus?: number;
  readonly details?: string;
  readonly message?: string;
  /** Null: none, whatever the table says. */
  readonly subcode?: number | null;
  readonly type?: string;
  /** Without `error_data`, as Graph's own checks answer. */
  readonly isBare?: boolean;
  /** What Graph means for a person's eyes. */
  readonly forUser?: { readonly title: string; readonly message: string };
  readonly headers?: Readonly<Record<string, string>>;
}

export function graphErrorAnswer(code: number, options: GraphErrorOptions): HttpAnswer {
  const row = ROWS[code] ?? UNKNOWN_ROW;
  const subcode = options.subcode === undefined ? row.subcode : options.subcode;
  const tokenMessage = code === 190 && subcode ? TOKEN_MESSAGES[subcode] : undefined;
  const hasDetails = code >= 100 && !(options.isBare ?? row.isBare);
  const { forUser } = options;
  const error = {
    message: options.message ?? row.message ?? tokenMessage ?? `(#${code}) ${row.title}`,
    type: options.type ?? 'OAuthException',
    ...(row.isTransient ? { is_transient: true } : {}),
    code,
    ...(hasDetails
      ? { error_data: { messaging_product: 'whatsapp', details: options.details ?? row.details } }
      : {}),
    ...(subcode === undefined || subcode === null ? {} : { error_subcode: subcode }),
    ...(forUser ? { error_user_title: forUser.title, error_user_msg: forUser.message } : {}),
    fbtrace_id: options.traceId,
  };
  const answer = jsonAnswer(options.httpStatus ?? row.httpStatus, { error });
  return options.headers ? { ...answer, headers: { ...answer.headers, ...options.headers } } : answer;
}

/** The element of `statuses[].errors[]` or `messages[].errors[]`. */
export function webhookError(code: number, details?: string): unknown {
  const row = ROWS[code] ?? UNKNOWN_ROW;
  return {
    code,
    title: row.title,
    message: row.title,
    error_data: { details: details ?? row.details },
    href: '/documentation/business-messaging/whatsapp/support/error-codes',
  };
}
