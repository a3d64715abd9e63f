/** The configuration of an operator whose dialog quotes its customers in its errors. */
import type { NightdeskConfig } from '#runtime/config.ts';
import { leaky } from '../leaky-dialog.ts';

export default { dialogs: [leaky.dialog] } satisfies NightdeskConfig;
