/**
 * Canaries: secrets and words of customers that stand nowhere else, and a search for them in whatever left the process. A
 * value is found as it is and in the forms in which it may travel: in JSON, in an address, in base64, in hex, in another case.
 */
export const secrets = {
  accessToken: 'EAAKcanaryAccess7Q2xVb9TnLw4RzMd',
  appSecret: 'canary-app-secret-5f1c9d27ab',
  oldAppSecret: 'canary-old-app-secret-88e2',
  tenantSecret: 'canary-tenant-secret-31b7c0',
  verifyToken: 'canary-verify-token-6a42',
  tenantVerifyToken: 'canary-tenant-verify-93df',
  apiKey: 'sk-ant-canary-03-Zk8vYtPqWm',
  secretKey: 'canary-secret-key-of-more-than-32-characters',
  metricsToken: 'canary-metrics-token-c4e8',
  databasePassword: 'canary-database-pass-72ba',
} as const;

export const customers = {
  text: 'quokka zeppelin 4417 "Straße" 🙋',
  phone: '16505557391',
  name: 'Wilhelmina Ostrożna-Canary',
  username: 'wilhelmina.canary.77',
  caption: 'caption of the marmoset parade',
  filename: 'ledger-of-the-pangolin.pdf',
  place: 'Pangolin Square 19, Canaryville',
  transcript: 'spoken words about the narwhal',
  answer: 'the model says axolotl to that',
  operator: 'the operator says capybara to that',
  by: 'Operator Canary McBy',
} as const;

type Values = Readonly<Record<string, string>>;

export const everything: Values = { ...secrets, ...customers };

/** A wamid is an id, and Meta writes the customer's number into it, in base64. */
const wamids = /wamid\.[\w+/=-]+/g;

/** `name (form)` of each canary that stands in a text. */
export function found(text: string, values: Values = everything): string[] {
  const searched = text.replace(wamids, 'wamid');
  const lower = searched.toLowerCase();
  return Object.entries(values).flatMap(([name, value]) =>
    formsOf(value)
      .filter(([, form, anyCase]) => (anyCase ? lower.includes(form.toLowerCase()) : searched.includes(form)))
      .map(([how]) => `${name} (${how})`),
  );
}

/** How it is written, what it is then, and whether case may differ. */
function formsOf(value: string): [string, string, boolean][] {
  const escaped = JSON.stringify(value).slice(1, -1);
  return [
    ['as it is', value, true],
    ['in JSON', escaped, true],
    ['in JSON in JSON', JSON.stringify(escaped).slice(1, -1), true],
    ['in ASCII', escaped.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`), true],
    ['in an address', encodeURIComponent(value), true],
    ['in hex', Buffer.from(value).toString('hex'), true],
    ['backwards', [...value].reverse().join(''), true],
    ...[0, 1, 2].flatMap((shift): [string, string, boolean][] => {
      const packed = inBase64(value, shift);
      const inUrls = packed.replaceAll('+', '-').replaceAll('/', '_');
      return [packed, inUrls].map((form) => ['in base64', form, false]);
    }),
    ...wordsOf(value).map((word): [string, string, boolean] => ['in part', word, true]),
  ];
}

/** Without the letters that depend on what stands beside it. */
function inBase64(value: string, shift: number): string {
  const whole = Buffer.concat([Buffer.alloc(shift), Buffer.from(value)])
    .toString('base64')
    .replace(/=+$/, '');
  return whole.slice(shift === 0 ? 0 : shift + 1, -3);
}

/** Words that stand in no message of the project. */
function wordsOf(value: string): string[] {
  return [...value.matchAll(/[\p{L}\d]{6,}/gu)]
    .map(([word]) => word)
    .filter((word) => !ordinary.has(word.toLowerCase()));
}

const ordinary = new Set([
  'canary',
  'secret',
  'tenant',
  'verify',
  'metrics',
  'database',
  'characters',
  'caption',
  'operator',
  'square',
  'parade',
  'ledger',
  'spoken',
]);
