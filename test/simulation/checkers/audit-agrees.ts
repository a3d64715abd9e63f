/** I9: at rest the product's own audit finds nothing missing and nothing under way, and counts what is there. */
import type { MakeChecker } from '../checker.ts';

const countEnds = "SELECT end, count(*) AS count FROM event WHERE class <> 'internal' GROUP BY end";

export const auditAgrees: MakeChecker = (view) => ({
  invariant: 'I9',
  async end() {
    const audit = await view.audit();
    const object = (what: string, subjects: string[] = []) =>
      view.violated({ invariant: 'I9', what: `At rest ${what}.`, subjects });
    for (const { conversationId, position, kind, why } of audit.missing)
      object(
        `the audit misses the end of event ${position} (${kind}) of conversation ${conversationId}: ${why}`,
        [conversationId],
      );
    if (audit.underWay !== 0) object(`the audit says that ${audit.underWay} events are under way`);
    for (const { end, count } of view.rows.all<{ end: string; count: number }>(countEnds))
      if (audit.byEnd[end] !== count)
        object(
          `the audit counts ${audit.byEnd[end] ?? 0} events that ended as ${end}, and there are ${count}`,
        );
  },
});
