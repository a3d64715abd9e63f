/**
 * A grant asks for the rules of each send by a function, which cannot travel: the rules of all its sends are worked out
 * before, once for each number, and found again by the id of the send.
 */
import type { GrantRequest, PaceRules } from '#core/ports/store.ts';

interface SentGrant extends Omit<GrantRequest, 'rulesOf'> {
  /** In the order of the sends. */
  rules: PaceRules[];
}

export function rulesTold({ rulesOf, ...request }: GrantRequest): SentGrant {
  const known = new Map<string, PaceRules>();
  const rules = request.sends.map((send) => {
    const number = `${send.ref.tenantId}\n${send.phoneNumberId}`;
    const ofNumber = known.get(number) ?? rulesOf(send);
    known.set(number, ofNumber);
    return ofNumber;
  });
  return { ...request, rules };
}

export function rulesAsked(sent: unknown): GrantRequest {
  const { rules, ...request } = sent as SentGrant;
  const bySend = new Map(request.sends.map(({ sendId }, index) => [sendId, rules[index]!]));
  // A merge may have given the send another conversation; its id and its number stay.
  return { ...request, rulesOf: ({ sendId }) => bySend.get(sendId)! };
}
