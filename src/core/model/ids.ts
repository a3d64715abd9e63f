/**
 * Ids of our own making: a lower-case prefix, 48 bits of time and 80 bits of chance, in Crockford base 32.
 * They sort by time, hold nothing personal (a send id is shown to every app that listens to a number) and are
 * made from passed-in time and chance, so a seed repeats them. To add a kind of id, add its prefix here.
 */
export type IdPrefix =
  | 'ctc'
  | 'cnv'
  | 'evt'
  | 'snd'
  | 'act'
  | 'tmr'
  | 'flg'
  | 'dlt'
  | 'qrt'
  | 'own'
  | 'alr'
  | 'cpy'
  | 'key';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** Makes an id. `random` returns numbers in [0, 1). */
export function makeId(prefix: IdPrefix, nowMs: number, random: () => number): string {
  let time = '';
  let rest = Math.max(0, Math.floor(nowMs));
  for (let i = 0; i < 10; i++) {
    time = alphabet[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  let chance = '';
  for (let i = 0; i < 4; i++) {
    let bits = Math.floor(random() * 0x100000);
    for (let j = 0; j < 4; j++) {
      chance += alphabet[bits & 31];
      bits >>>= 5;
    }
  }
  return `${prefix}_${time}${chance}`;
}

/** Names one conversation; every statement that touches it begins with the tenant. */
export interface ConversationRef {
  tenantId: string;
  conversationId: string;
}
