/** Whether what somebody brought is what we have. To add a kind of proof, add its comparison here. */
import { hash, timingSafeEqual } from 'node:crypto';

/** Digests are compared, so that not even the length of a secret shows in the time taken. */
export function isSame(brought: string, secret: string): boolean {
  return timingSafeEqual(hash('sha256', brought, 'buffer'), hash('sha256', secret, 'buffer'));
}
