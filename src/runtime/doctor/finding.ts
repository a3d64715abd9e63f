/** What a check of the doctor is given, and what it says. */
import type { Tenant } from '#core/ports/tenants.ts';
import type { World } from '#core/ports/world.ts';
import type { Config } from '../config.ts';

export interface Finding {
  /** `graph`, `clock`, ... or `number 106540352242922`. */
  check: string;
  status: 'ok' | 'warn' | 'fail';
  /** What was seen and what it means. */
  says: string;
  /** What to do; absent where nothing is to be done. */
  todo?: string;
}

export interface Patient {
  config: Config;
  world: World;
  tenants: readonly Tenant[];
}
