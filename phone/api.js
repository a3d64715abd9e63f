/**
 * The simulator's control API as the page uses it. A refused request throws with the simulator's own words; the live
 * events come by server-sent events, and whoever listens decides when to connect again.
 */

/**
 * @typedef {{ id: string, displayNumber: string, verifiedName: string }} PhoneNumber
 * @typedef {{ id: string, name: string, phone: string | null, userId: string | null }} Contact
 * @typedef {'accepted' | 'sent' | 'delivered' | 'read' | 'played' | 'failed'} Status
 * @typedef {object} Message
 * @property {string} wamid
 * @property {'in' | 'out'} direction As the business sees it: "in" is what the customer says.
 * @property {number} atMs
 * @property {string} type
 * @property {string | null} text
 * @property {unknown} body The type's own object.
 * @property {string | null} replyTo
 * @property {Status} status
 * @property {number | null} errorCode
 * @property {number | null} acknowledgedAtMs
 * @property {number | null} readAtMs
 * @property {'sending' | 'refused'} [pending] Not at the simulator yet, or refused by it.
 * @typedef {{ wamid: string | null, status: string | null }} WebhookSubject
 * @typedef {{ seq: number, atMs: number, kind: string, [detail: string]: any }} SimulatorEvent
 * @typedef {{ waiting: { updates: number, inFlight: number, retrying: number } }} Counters
 */

/** The simulator answered, and the answer is no: a repeat would get the same. */
export class Refused extends Error {}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
async function call(method, path, body) {
  const response = await fetch(`/_sim${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Refused(String(answer.error ?? response.status));
  return answer;
}

const query = (/** @type {Record<string, string | number>} */ values) =>
  new URLSearchParams(Object.entries(values).map(([key, value]) => [key, String(value)])).toString();

/** @returns {Promise<PhoneNumber[]>} */
export const getNumbers = async () => (await call('GET', '/numbers')).numbers;

/** @returns {Promise<Contact[]>} */
export const getContacts = async () => (await call('GET', '/contacts')).contacts;

/**
 * @param {string} phoneNumberId
 * @param {string} contact
 * @returns {Promise<{ messages: Message[], typingUntilMs: number }>}
 */
export const getMessages = (phoneNumberId, contact) =>
  call('GET', `/messages?${query({ phoneNumberId, contact, limit: 500 })}`);

/**
 * @param {string} phoneNumberId
 * @returns {Promise<{ contact: Contact, lastMessage: Message | null }[]>}
 */
export const getConversations = async (phoneNumberId) =>
  (await call('GET', `/conversations?${query({ phoneNumberId })}`)).conversations;

/** @returns {Promise<Counters>} */
export const getCounters = () => call('GET', '/counters');

/** @returns {Promise<number>} */
export const getLastSeq = async () => (await call('GET', '/log?limit=1')).lastSeq;

/**
 * @param {number} after
 * @returns {Promise<SimulatorEvent[]>}
 */
export const getLog = async (after) => (await call('GET', `/log?${query({ after, limit: 1000 })}`)).events;

/**
 * @param {{ name: string, phone: string }} contact
 * @returns {Promise<Contact>}
 */
export const addContact = async (contact) => (await call('POST', '/contacts', contact)).contact;

/** @param {Record<string, unknown>} said */
export const say = (said) => call('POST', '/say', said);

const kinds = [
  'said',
  'echoed',
  'sendAccepted',
  'status',
  'readReceipt',
  'typing',
  'webhookSent',
  'webhookAnswered',
  'webhookFailed',
  'webhookDropped',
  'handshake',
  'contactCreated',
  'contactChanged',
  'settingsChanged',
];

/**
 * @param {{ after: number, onOpen: () => void, onEvent: (event: SimulatorEvent) => void, onLost: () => void }} options
 */
export function listen({ after, onOpen, onEvent, onLost }) {
  const source = new EventSource(`/_sim/events?after=${after}`);
  source.onopen = onOpen;
  for (const kind of kinds) {
    source.addEventListener(kind, (event) => onEvent(JSON.parse(/** @type {MessageEvent} */ (event).data)));
  }
  // The browser would connect by itself, but from the same place as the first time; a new beginning misses nothing.
  source.onerror = () => {
    source.close();
    onLost();
  };
}
