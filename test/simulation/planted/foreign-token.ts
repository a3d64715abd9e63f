import type { Variant } from '../variant.ts';
import { replacing } from './replacing.ts';

export const foreignToken: Variant = {
  name: 'foreignToken',
  breaks: ['I10'],
  what: 'All tenants send with the token of the first.',
  statement: replacing(
    'SELECT config FROM tenant ORDER BY tenant_id',
    "SELECT json_set(config, '$.accessToken', (SELECT config ->> '$.accessToken' FROM tenant ORDER BY tenant_id LIMIT 1)) AS config FROM tenant ORDER BY tenant_id",
  ),
};
