/**
 * `nightdesk doctor`: what this machine can tell is looked at here; what needs tokens and the outside is asked by the
 * server, which has the environment that counts, or here where no server runs. A check that cannot be made is itself a finding.
 */
import { existsSync } from 'node:fs';
import { outlineOf } from '#core/model/faults.ts';
import type { Tenant } from '#core/ports/tenants.ts';
import { type Config, readConfig } from '#runtime/config.ts';
import { examineFiles } from '#runtime/doctor/files.ts';
import type { Finding } from '#runtime/doctor/finding.ts';
import { examine } from '#runtime/doctor/index.ts';
import { examineStore } from '#runtime/doctor/store.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld, realClock } from '#runtime/world/real-world.ts';
import { askOwner } from './command-socket.ts';
import { exitCodes } from './exit-codes.ts';
import { withStore } from './run.ts';
import { show, showFindings } from './show.ts';

export async function doctor({ json }: { json?: boolean }): Promise<number> {
  const findings = await allFindings();
  const isWell = findings.every(({ status }) => status !== 'fail');
  show(json === true ? { ok: isWell, checks: findings } : showFindings(findings));
  return isWell ? exitCodes.ok : exitCodes.found;
}

async function allFindings(): Promise<Finding[]> {
  let config: Config;
  try {
    config = await readConfig({ env: process.env, folder: process.cwd() });
  } catch (error) {
    return [
      {
        check: 'config',
        status: 'fail',
        says: outlineOf(error),
        todo: 'Mend the configuration; nothing else can be checked before.',
      },
    ];
  }
  const local = [
    ...(await examineStore(config, realClock)),
    ...examineFiles({ config, folder: process.cwd() }),
  ];
  const says = config.production
    ? 'The configuration can be used, in production.'
    : 'The configuration can be used.';
  return [{ check: 'config', status: 'ok', says }, ...local, ...(await outerFindings(config, local))];
}

async function outerFindings(config: Config, local: Finding[]): Promise<Finding[]> {
  const { database } = config;
  const troubles: Finding[] = [];
  let tenants: readonly Tenant[] = [];
  try {
    const answered = database.driver === 'sqlite' ? await askOwner(database.path, 'doctor', {}) : null;
    if (answered !== null) return answered.result as Finding[];
    // A database that is damaged or of another schema is not opened: the doctor changes nothing.
    const isFit = local.every(({ check, status }) => check !== 'store' || status === 'ok');
    if (isFit && (database.driver !== 'sqlite' || existsSync(database.path)))
      tenants = await withStore(
        { ...config, ...(database.driver === 'postgres' && { roles: [] }) },
        { readTenants: true },
        async (nightdesk) => nightdesk.directory.all(),
      );
  } catch (error) {
    troubles.push({
      check: 'server',
      status: 'fail',
      says: outlineOf(error),
      todo: 'Look at the log of the server, or try again when it has started.',
    });
  }
  const world = createRealWorld({ log: createLog({ level: 'silent' }) });
  try {
    return [...troubles, ...(await examine({ config, world, tenants }))];
  } finally {
    world.close();
  }
}
