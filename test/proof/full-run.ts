/**
 * The full figures, over real HTTP, on a real file, with real kills. It prints what it did, so that "0 lost" says
 * something, and fails where a rule is missed or where it turns out to have done nothing.
 */
import { cpus } from 'node:os';
import { type ChaosReport, runChaos } from './chaos.ts';
import { type Check, checkCoalescing, checkHang, checkPace } from './rules.ts';

export function checksOf(report: ChaosReport, heldShareMax: number): Check[] {
  const { verdict, audit } = report;
  const did = {
    kills: report.kills,
    'duplicated webhooks': report.duplicatedWebhooks,
    'retried webhooks': report.retriedWebhooks,
    'lost answers': report.lostAnswers,
    'ordered pairs compared': verdict.pairsCompared,
  };
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
    {
      rule: '0 answered twice',
      figure: `${verdict.answeredTwice.length} ${verdict.answeredTwice.slice(0, 3).join(' ')}`,
      reached: verdict.answeredTwice.length === 0,
    },
    {
      rule: '0 out of order within a contact (I3)',
      figure: `${verdict.outOfOrder.length} ${verdict.outOfOrder.slice(0, 3).join('; ')}`,
      reached: verdict.outOfOrder.length === 0,
    },
    {
      rule: '0 lost: neither answered nor held and flagged',
      figure: `${verdict.lost.length} ${verdict.lost.slice(0, 3).join(' ')}`,
      reached: verdict.lost.length === 0,
    },
    {
      rule: `held for a person under ${heldShareMax * 100} %`,
      figure: `${verdict.held} held, ${verdict.answered} answered`,
      reached: verdict.held < verdict.said * heldShareMax || verdict.held === 0,
    },
    { rule: 'everything came to an end', figure: `${report.seconds.toFixed(0)} s`, reached: report.settled },
    {
      rule: 'nightdesk audit agrees (I9)',
      figure: `${audit.missingCount} missing, ${audit.underWay} under way`,
      reached: audit.missingCount === 0 && audit.underWay === 0,
    },
  ];
}

function print(title: string, checks: readonly Check[]): boolean {
  process.stdout.write(`\n${title}\n`);
  for (const { rule, figure, reached } of checks)
    process.stdout.write(`  ${reached ? 'reached' : 'MISSED '}  ${rule}: ${figure}\n`);
  return checks.every((check) => check.reached);
}

export async function runInFull(seed: number): Promise<boolean> {
  process.stdout.write(
    `Nightdesk proof, seed ${seed}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}\n`,
  );
  const chaos = await runChaos({
    seed,
    messages: 10_000,
    contacts: 500,
    tenants: 20,
    messagesPerSecond: 100,
    settleMs: 240_000,
  });
  const results = [
    print('10,000 messages, 500 contacts, 20 tenants, killed every 2 to 4 s', checksOf(chaos, 0.005)),
    print('A model that hangs', await checkHang({ replyTimeoutMs: 10_000, hanging: 20 })),
    print('A burst to a limited tenant', await checkPace({ messages: 200, overMs: 5_000, perSecond: 10 })),
    print('Short messages', await checkCoalescing()),
  ];
  return results.every(Boolean);
}
