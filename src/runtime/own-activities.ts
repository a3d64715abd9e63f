/**
 * Who runs an activity: the runtime's own handlers for those that it has itself, and for the others what their dialogs
 * declare. A name means one activity in the whole process, since what runs is found by its name after a restart.
 */
import { attemptsMaxOf } from '#core/dialog/activity.ts';
import type { ActivityDeclaration, Dialog } from '#core/dialog/dialog.ts';
import type { ActivityFiles } from '#core/ports/activity.ts';
import type { RunnableActivity } from '#core/ports/store.ts';
import type { BudgetAlert } from '#core/ports/store-money.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';
import type { Log } from '#core/ports/world.ts';
import { createOwnHandler, type OwnDeps } from '#pipeline/activity/own.ts';
import type { ActivityHandler } from '#pipeline/activity/station.ts';
import type { FilesStation } from '#pipeline/files/station.ts';
import { BadConfig } from './config.ts';

export interface Handlers {
  handler(name: string): ActivityHandler | undefined;
  attemptsMaxOf(name: string): number;
}

/** @throws BadConfig where two dialogs mean different activities by one name */
export function findHandlers(
  dialogs: Iterable<Dialog>,
  builtIn: ReadonlyMap<string, ActivityHandler>,
  deps: OwnDeps,
): Handlers {
  const declared = new Map<string, ActivityDeclaration>();
  const handlers = new Map(builtIn);
  for (const dialog of dialogs) {
    for (const [name, declaration] of Object.entries(dialog.activities)) {
      const { run } = declaration;
      if (run === undefined) continue;
      const known = declared.get(name);
      if (known === declaration) continue;
      if (known !== undefined || builtIn.has(name))
        throw new BadConfig(
          `Dialog ${dialog.name} has an activity "${name}", and ${known === undefined ? 'the runtime has one of that name itself' : 'another dialog has another one of that name'}. Give it a name of its own, or let both dialogs use the same definition.`,
        );
      declared.set(name, declaration);
      handlers.set(name, createOwnHandler(deps, declaration, run));
    }
  }
  return {
    handler: (name) => handlers.get(name),
    attemptsMaxOf: (name) => attemptsMaxOf(declared.get(name)),
  };
}

/** The files of an activity's tenant, for its number. */
export function filesFor(files: FilesStation): (activity: RunnableActivity) => ActivityFiles {
  return ({ ref: { tenantId }, phoneNumberId }) => ({
    put: (bytes, mimeType) => files.put({ tenantId, bytes, mimeType }),
    get: (fileId) => files.get({ tenantId, fileId }),
    upload: (fileId) => files.upload({ tenantId, fileId, phoneNumberId }),
  });
}

/** Somebody should know that money runs out. */
export function tellOfBudget(
  { log, telemetry }: { log: Log; telemetry: Telemetry },
  tenantId: string,
  alerts: readonly BudgetAlert[],
): void {
  for (const { percent, spentMicros, perDayMicros, currency, day } of alerts) {
    telemetry.count('nightdesk_budget_alerts_total', { percent });
    telemetry.count('nightdesk_alerts_total', { reason: 'budget' });
    log.warn(
      { tenantId, percent, spentMicros, perDayMicros, currency, day },
      `Tenant ${tenantId} has spent ${percent} % of its budget of ${day}. Nothing stops: what must not be passed is a limit of its activities.`,
    );
  }
}
