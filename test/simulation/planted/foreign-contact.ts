import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const foreignContact: Variant = {
  name: 'foreignContact',
  breaks: ['I10'],
  what: 'A customer is looked up by their address in all tenants.',
  statement: replacing(
    'SELECT contact_id FROM contact_address WHERE tenant_id = ? AND waba_id = ? AND',
    'SELECT contact_id FROM contact_address WHERE (tenant_id = ? OR 1) AND (waba_id = ? OR 1) AND',
  ),
};
