/**
 * What every store driver must pass: the store port as named cases, independent of any test runner. A driver is a store
 * when all of them pass on it; no driver has cases of its own here. Run them like this:
 *
 *     for (const { name, run } of storeConformance(open)) test(name, run);
 *
 * Each case opens a store of its own through `open` and closes it. To add a case, add it to the group of its subject in
 * the folder beside this file, and name the invariant it proves.
 */
import { activityCases } from './store-conformance/activities.ts';
import { appendCases } from './store-conformance/appends.ts';
import { auditCases } from './store-conformance/audits.ts';
import { businessCases } from './store-conformance/business.ts';
import { contactDataCases } from './store-conformance/contact-data.ts';
import { contactCases } from './store-conformance/contacts.ts';
import { contactPropertyCases } from './store-conformance/contacts-property.ts';
import { deadLetterCases } from './store-conformance/dead-letters.ts';
import { erasureCases } from './store-conformance/erasure.ts';
import { fileCases } from './store-conformance/files.ts';
import { hardDataCases } from './store-conformance/hard-data.ts';
import { holderCases } from './store-conformance/holders.ts';
import { limitCases } from './store-conformance/limit-claims.ts';
import { mergeCases } from './store-conformance/merges.ts';
import { moneyCases } from './store-conformance/money.ts';
import { paceCases } from './store-conformance/paces.ts';
import { repeatedCommitCases } from './store-conformance/repeated-commits.ts';
import { restoreCases } from './store-conformance/restores.ts';
import { retentionCases } from './store-conformance/retention.ts';
import type { CaseBody, Invariant, OpenStore } from './store-conformance/scene.ts';
import { openScene } from './store-conformance/scene.ts';
import { sendCases } from './store-conformance/sends.ts';
import { setClockCases } from './store-conformance/set-clocks.ts';
import { stateCases } from './store-conformance/states.ts';
import { statusCases } from './store-conformance/statuses.ts';
import { tenantCases } from './store-conformance/tenants.ts';
import { turnCases } from './store-conformance/turns.ts';
import { uncertainCases } from './store-conformance/uncertain.ts';
import { windowTemplateCases } from './store-conformance/window-templates.ts';

export type { Invariant, OpenedStore, OpenStore } from './store-conformance/scene.ts';

export interface ConformanceCase {
  name: string;
  invariant?: Invariant;
  /** Resolves where the driver behaves, rejects with an AssertionError where it does not. */
  run(): Promise<void>;
}

const groups: readonly CaseBody[] = [
  ...appendCases,
  ...hardDataCases,
  ...contactCases,
  ...mergeCases,
  ...contactPropertyCases,
  ...turnCases,
  ...repeatedCommitCases,
  ...limitCases,
  ...activityCases,
  ...moneyCases,
  ...businessCases,
  ...deadLetterCases,
  ...sendCases,
  ...windowTemplateCases,
  ...fileCases,
  ...paceCases,
  ...statusCases,
  ...stateCases,
  ...uncertainCases,
  ...setClockCases,
  ...holderCases,
  ...auditCases,
  ...tenantCases,
  ...contactDataCases,
  ...erasureCases,
  ...retentionCases,
  ...restoreCases,
];

/** All cases on the driver that `open` opens: an empty store each time. */
export function storeConformance(open: OpenStore): ConformanceCase[] {
  return groups.map(({ name, invariant, body }) => ({
    name: invariant === undefined ? name : `${invariant}: ${name}`,
    ...(invariant === undefined ? {} : { invariant }),
    async run() {
      const scene = await openScene(open);
      try {
        await body(scene);
      } finally {
        await scene.close();
      }
    },
  }));
}
