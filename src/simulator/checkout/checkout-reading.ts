/**
 * Reading what a shop asks of the checkout: JSON, or the form encoding with brackets that payment libraries write
 * (`line_items[0][quantity]=2`). Amounts are in the smallest unit of the currency.
 * Source: docs.stripe.com/api/checkout/sessions/create.
 */
import { type JsonObject, parseJson, readArray, readObject, readString } from '../control/json-reading.ts';

export interface WantedCheckout {
  amount: number;
  currency: string;
  /** What the page shows, one a line. */
  items: readonly string[];
  reference: string | null;
  metadata: Readonly<Record<string, string>>;
  successUrl: string | null;
  cancelUrl: string | null;
}

export interface Problem {
  message: string;
  param: string;
}

type Tree = { [key: string]: string | Tree };

function put(tree: Tree, [key = '', ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const existing = Object.hasOwn(tree, key) ? tree[key] : undefined;
  const branch = typeof existing === 'object' ? existing : Object.create(null);
  tree[key] = branch;
  put(branch, rest, value);
}

export function readForm(text: string): JsonObject {
  const tree: Tree = Object.create(null);
  for (const [name, value] of new URLSearchParams(text))
    put(tree, name.replaceAll(']', '').split('['), value);
  return tree;
}

export function readBody(body: Uint8Array | string, contentType: string): JsonObject | undefined {
  if (contentType.includes('json')) return readObject(parseJson(body));
  return readForm(typeof body === 'string' ? body : Buffer.from(body).toString('utf8'));
}

/** A list, or what a form makes of one: an object with the keys 0, 1, ... */
const listIn = (value: unknown): readonly unknown[] =>
  readArray(value) ?? Object.values(readObject(value) ?? {});

const wholeNumber = (value: unknown): number | null => {
  const number = typeof value === 'number' ? value : Number(readString(value) || Number.NaN);
  return Number.isInteger(number) && number >= 0 ? number : null;
};

/** A number that people count money in, whatever the currency. */
const AMOUNT_MAX = 99_999_999;

export function readWanted(body: JsonObject): WantedCheckout | Problem {
  const mode = readString(body.mode) ?? 'payment';
  if (mode !== 'payment')
    return { param: 'mode', message: `This look-alike knows the mode 'payment', not '${mode}'.` };
  const lines = listIn(body.line_items).map(readLine);
  if (lines.length === 0)
    return { param: 'line_items', message: "You must provide 'line_items' with at least one item." };
  const items: string[] = [];
  const currencies = new Set<string>();
  let amount = 0;
  for (const [index, line] of lines.entries()) {
    if ('message' in line) return { ...line, param: `line_items[${index}]${line.param}` };
    amount += line.amount * line.quantity;
    currencies.add(line.currency);
    items.push(line.quantity === 1 ? line.name : `${line.quantity} × ${line.name}`);
  }
  if (currencies.size > 1) return { param: 'line_items', message: 'All items must have the same currency.' };
  if (amount < 1 || amount > AMOUNT_MAX)
    return { param: 'line_items', message: `The amount must be from 1 to ${AMOUNT_MAX}, not ${amount}.` };
  const metadata = Object.entries(readObject(body.metadata) ?? {}).map(([key, value]) => [
    key,
    String(value),
  ]);
  return {
    ...{ amount, items, currency: [...currencies][0]!, metadata: Object.fromEntries(metadata) },
    reference: readString(body.client_reference_id) ?? null,
    successUrl: readString(body.success_url) ?? null,
    cancelUrl: readString(body.cancel_url) ?? null,
  };
}

function readLine(
  value: unknown,
): { amount: number; quantity: number; currency: string; name: string } | Problem {
  const line = readObject(value) ?? {};
  const price = readObject(line.price_data);
  if (!price)
    return {
      param: '[price_data]',
      message: 'This look-alike keeps no prices: give each item its price_data.',
    };
  const amount = wholeNumber(price.unit_amount);
  if (amount === null)
    return {
      param: '[price_data][unit_amount]',
      message: 'unit_amount must be a whole number of at least 0.',
    };
  const quantity = line.quantity === undefined ? 1 : wholeNumber(line.quantity);
  if (quantity === null || quantity === 0)
    return { param: '[quantity]', message: 'quantity must be a whole number of at least 1.' };
  const currency = (readString(price.currency) ?? '').toLowerCase();
  if (!/^[a-z]{3}$/.test(currency))
    return { param: '[price_data][currency]', message: 'currency must be three letters, e.g. usd.' };
  return { amount, quantity, currency, name: readString(readObject(price.product_data)?.name) ?? 'Item' };
}
