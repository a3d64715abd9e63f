/**
 * What a message carries besides its content: that it was forwarded, or the ad it came from. The history does not keep it;
 * whoever made the customer say it said so to the control API, which tells it.
 */
import { signal } from '@preact/signals';
import { onEvents } from './live.ts';

export interface Extras {
  readonly isForwarded: boolean;
  readonly referral: Readonly<Record<string, unknown>> | null;
}

const rememberedMax = 2_000;

export const extras = signal<ReadonlyMap<string, Extras>>(new Map());

/** What the simulator says when it is asked for a referral without being told which. */
const referralDefault = {
  headline: 'Chat with us',
  body: 'Summer Succulents are here!',
  source_type: 'ad',
  source_url: 'https://fb.me/3cr4Wqqkv',
};

function object(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

function extrasOf(said: Readonly<Record<string, unknown>>): Extras | null {
  const isForwarded = said.forwarded === true || said.frequentlyForwarded === true;
  const referral = said.referral ? (object(said.referral) ?? referralDefault) : null;
  return isForwarded || referral ? { isForwarded, referral } : null;
}

export function noteExtras(wamid: string, said: Readonly<Record<string, unknown>>): void {
  const found = extrasOf(said);
  if (!found) return;
  extras.value = new Map([...[...extras.value].slice(-rememberedMax), [wamid, found]]);
}

function noteSaid(body: unknown, result: unknown): void {
  const said = object(body);
  const wamid = object(object(result)?.said)?.wamid ?? said?.wamid;
  if (said && typeof wamid === 'string') noteExtras(wamid, said);
}

onEvents((told) => {
  for (const event of told) {
    if (event.kind === 'driven' && event.path === '/say') noteSaid(event.body, event.result);
  }
});
