/**
 * Tenants and their numbers, as JSON: they are read whole at start and after a change, never on the hot path. Secrets
 * come sealed; this driver does not know the key.
 */

import { Fault } from '#core/model/faults.ts';
import type { PhoneNumber, Tenant } from '#core/ports/tenants.ts';
import type { Context } from './database/context.ts';

const selectTenants = 'SELECT config FROM tenant ORDER BY tenant_id';
const selectNumbers = 'SELECT config FROM phone_number ORDER BY tenant_id, phone_number_id';
const selectOwner = 'SELECT tenant_id FROM phone_number WHERE phone_number_id = ?';
const upsertTenant = `INSERT INTO tenant (tenant_id, config, updated_at_ms) VALUES (?, ?, ?)
  ON CONFLICT (tenant_id) DO UPDATE SET config = excluded.config, updated_at_ms = excluded.updated_at_ms`;
const upsertNumber = `INSERT INTO phone_number (tenant_id, phone_number_id, config, updated_at_ms) VALUES (?, ?, ?, ?)
  ON CONFLICT (tenant_id, phone_number_id) DO UPDATE SET config = excluded.config, updated_at_ms = excluded.updated_at_ms`;

/** Whoever applies a change may have mended what a scope was paused for; if not, the next answer pauses it again. */
const resume =
  'UPDATE pace SET paused_until_ms = 0, pause_reason = NULL WHERE tenant_id = ? AND paused_until_ms > ?';

export function readTenants(context: Context): Tenant[] {
  const tenants = context.db
    .all<{ config: string }>(selectTenants)
    .map((row) => ({ ...(JSON.parse(row.config) as Tenant), phoneNumbers: [] as PhoneNumber[] }));
  const byId = new Map(tenants.map((tenant) => [tenant.tenantId, tenant]));
  for (const row of context.db.all<{ config: string }>(selectNumbers)) {
    const number = JSON.parse(row.config) as PhoneNumber;
    byId.get(number.tenantId)?.phoneNumbers.push(number);
  }
  return tenants;
}

export function applyTenants(context: Context, input: { tenants: Tenant[]; nowMs: number }): void {
  for (const { phoneNumbers, ...tenant } of input.tenants) {
    context.db.run(upsertTenant, tenant.tenantId, JSON.stringify(tenant), input.nowMs);
    context.db.run(resume, tenant.tenantId, input.nowMs);
    for (const number of phoneNumbers) {
      const owner = context.db.get<{ tenant_id: string }>(selectOwner, number.phoneNumberId);
      if (owner !== undefined && owner.tenant_id !== tenant.tenantId) {
        throw new Fault(
          'conflict',
          `Phone number ${number.phoneNumberId} belongs to tenant ${owner.tenant_id} and cannot be given to ${tenant.tenantId}. A number has one tenant; nothing was changed.`,
        );
      }
      context.db.run(
        upsertNumber,
        tenant.tenantId,
        number.phoneNumberId,
        JSON.stringify({ ...number, tenantId: tenant.tenantId }),
        input.nowMs,
      );
    }
  }
}
