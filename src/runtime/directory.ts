/**
 * The tenants in memory, with their secrets opened. A change replaces the whole value, so a lookup never waits and
 * never sees half a change.
 */
import type { PhoneNumber, Tenant, TenantDirectory } from '#core/ports/tenants.ts';

export class Directory implements TenantDirectory {
  #tenants = new Map<string, Tenant>();
  #numbers = new Map<string, PhoneNumber>();

  replace(tenants: readonly Tenant[]): void {
    this.#tenants = new Map(tenants.map((tenant) => [tenant.tenantId, tenant]));
    this.#numbers = new Map(
      tenants.flatMap((tenant) => tenant.phoneNumbers.map((number) => [number.phoneNumberId, number])),
    );
  }

  tenant(tenantId: string): Tenant | undefined {
    return this.#tenants.get(tenantId);
  }

  phoneNumber(phoneNumberId: string): PhoneNumber | undefined {
    return this.#numbers.get(phoneNumberId);
  }

  all(): readonly Tenant[] {
    return [...this.#tenants.values()];
  }
}
