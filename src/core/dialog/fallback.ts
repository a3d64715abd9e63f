/**
 * The customer is never met with silence: a fallback text and a flag, together. At most one text per conversation in
 * `fallbackQuietMs`; later failures only flag.
 */
import { limits } from '../limits.ts';
import type { Effect, FlagReason } from '../model/effects.ts';
import type { WordsOfNumber } from '../ports/tenants.ts';
import type { TurnEnv } from './dialog.ts';

export const defaultTexts = {
  fallback: 'We received your message and will get back to you shortly.',
  unsupported: 'I cannot read this kind of message yet. Could you write it as text, please?',
  staleTap: 'That button belongs to an earlier message. Please answer the latest one.',
  handOff: 'A person from our team will answer you here.',
  muted: 'We have exchanged many messages in a short time. A person will look at our conversation.',
} as const;

/** A text of the number in the customer's language. */
export function wordsOfNumber(
  words: WordsOfNumber | undefined,
  { language }: Pick<TurnEnv, 'language'>,
  otherwise: string,
): string {
  if (words === undefined || typeof words === 'string') return words ?? otherwise;
  return words[language ?? ''] ?? Object.values(words)[0] ?? otherwise;
}

export function fallbackText(env: Pick<TurnEnv, 'language' | 'settings'>): string {
  return wordsOfNumber(env.settings.fallbackText, env, defaultTexts.fallback);
}

/** Whether the conversation may get the fallback text now. */
export function fallbackAllowed(env: TurnEnv): boolean {
  return (
    env.lastFallbackAtMs === null ||
    env.nowMs - env.lastFallbackAtMs >= limits.fallbackQuietMs ||
    env.nowMs < env.lastFallbackAtMs
  );
}

export function fallbackEffects(
  env: TurnEnv,
  flag: { reason: FlagReason; detail: string; answersThrough: number },
): Effect[] {
  const effects: Effect[] = [{ type: 'flag', ...flag }];
  if (fallbackAllowed(env)) {
    effects.push({
      type: 'send',
      body: { type: 'text', text: { body: fallbackText(env) } },
      answersThrough: flag.answersThrough,
      fallback: true,
    });
  }
  return effects;
}

/** Somebody waits for words that turned out blank: a dialog of functions cannot be known to speak before it runs. */
export function blankEffects(env: TurnEnv, position: number): Effect[] {
  const detail = 'what the dialog had to say was blank';
  return fallbackEffects(env, { reason: 'unexpected', detail, answersThrough: position });
}
