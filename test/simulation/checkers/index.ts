/** All checkers. */
import type { MakeChecker } from '../checker.ts';

export const makeCheckers: readonly MakeChecker[] = [];
