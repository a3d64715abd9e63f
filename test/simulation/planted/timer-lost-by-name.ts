import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const timerLostByName: Variant = {
  name: 'timerLostByName',
  breaks: ['liveness'],
  what: 'A timer is deleted by its name alone, and with it the timers of that name of all other conversations.',
  statement: replacing(
    'DELETE FROM timer WHERE tenant_id = ? AND conversation_id = ? AND timer_id = ?',
    'DELETE FROM timer WHERE tenant_id = ? AND (conversation_id = ? OR 1) AND timer_id = ?',
  ),
};
