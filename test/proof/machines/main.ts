/** `npm run proof -- machines`: the run with many processes, as checks with figures. */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { refuse } from '../../command-line.ts';
import type { Check } from '../rules.ts';
import { wakes } from './own-queue.ts';
import { type MachinesReport, runMachines } from './run.ts';

export async function proveMachines(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      wake: { type: 'string', default: 'local' },
      seed: { type: 'string', default: '1' },
      messages: { type: 'string', default: '10000' },
    },
  });
  const wake = wakes.find((name) => name === values.wake);
  if (wake === undefined) return refuse(`There is no wake "${values.wake}"; there are ${wakes.join(', ')}`);
  const messages = Number(values.messages);
  // A short run takes a minute as well, in which each process is killed.
  const messagesPerSecond = Math.min(60, messages / 60);
  const options = {
    ...{ seed: Number(values.seed), wake, messages, messagesPerSecond },
    ...{ contacts: 500, tenants: 20, webhooks: 2, workers: 3, settleMs: 300_000 },
  };
  process.stdout.write(
    `${options.messages} messages, ${options.contacts} contacts, ${options.tenants} tenants, wake ${wake}, seed ${options.seed}: 2 webhook and 3 worker processes on Postgres, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}\n`,
  );
  const checks = checksOf(await runMachines(options), { heldShareMax: 0.005 });
  for (const { rule, figure, reached } of checks)
    process.stdout.write(`  ${reached ? 'reached' : 'MISSED '}  ${rule}: ${figure}\n`);
  return checks.every(({ reached }) => reached);
}

export function checksOf(
  report: MachinesReport,
  { heldShareMax, deploy }: { heldShareMax: number; deploy?: boolean },
): Check[] {
  const { verdict, audit } = report;
  const did = {
    ...(deploy === true
      ? { 'processes that were replaced by another version': report.deployed }
      : { kills: report.kills, 'crashes of Postgres': report.postgresRestarts }),
    ...(deploy !== true && report.ofQueue),
    'duplicated webhooks': report.duplicatedWebhooks,
    ...(deploy !== true && { 'retried webhooks': report.retriedWebhooks }),
    'lost answers': report.lostAnswers,
    'ordered pairs compared': verdict.pairsCompared,
  };
  const none = (rule: string, found: readonly string[]): Check => ({
    rule,
    figure: `${found.length} ${found.slice(0, 3).join('; ')}`,
    reached: found.length === 0,
  });
  return [
    ...Object.entries(did).map(([what, count]) => ({
      rule: `the run had ${what}`,
      figure: String(count),
      reached: count > 0,
    })),
    {
      rule: 'every message acknowledged',
      figure: `${verdict.acknowledged} of ${verdict.said}`,
      reached: verdict.acknowledged === verdict.said,
    },
    none('0 answered twice', verdict.answeredTwice),
    none('0 out of order within a contact (I3)', verdict.outOfOrder),
    none('0 lost: neither answered nor held and flagged', verdict.lost),
    {
      rule: `held for a person under ${heldShareMax * 100} %`,
      figure: `${verdict.held} held, ${verdict.answered} answered`,
      reached: verdict.held < verdict.said * heldShareMax || verdict.held === 0,
    },
    {
      rule: '0 pace violations over all processes (I6)',
      figure: String(report.paceViolations),
      reached: report.paceViolations === 0,
    },
    { rule: 'everything came to an end', figure: `${report.seconds.toFixed(0)} s`, reached: report.settled },
    {
      rule: 'nightdesk audit agrees (I9)',
      figure: `${audit.missingCount} missing, ${audit.underWay} under way`,
      reached: audit.missingCount === 0 && audit.underWay === 0,
    },
  ];
}
