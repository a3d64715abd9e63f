/** What a server and the services that it leans on cost so far, each with all its processes. */
import type { Child } from './child.ts';

export type CpuSoFar = Readonly<Record<'serverMs' | 'postgresMs' | 'redisMs' | 'allMs', number>>;

export function cpuOf(server: Child): CpuSoFar {
  const serverMs = server.cpuMs();
  const postgresMs = server.serviceCpuMs('Postgres');
  const redisMs = server.serviceCpuMs('Redis');
  return { serverMs, postgresMs, redisMs, allMs: serverMs + postgresMs + redisMs };
}
