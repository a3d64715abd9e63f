/** What happened to the server and its clock meanwhile, which every life of that time shows. */
import type { LifeRecord } from './moment-book.ts';
import type { Steps } from './steps.ts';

const down = 'down';

export function tellAround(steps: Steps, record: LifeRecord): void {
  if ('event' in record) return;
  const { moment } = record;
  switch (moment.kind) {
    case 'serverEnded': {
      const how = moment.signal ?? `exit code ${moment.code}`;
      if (!steps.isOpen(down))
        steps.begin(down, moment, { kind: 'down', text: `No server: it ended by ${how}; nothing is lost` });
      return;
    }
    case 'serverReady':
      steps.end(down, moment);
      break;
    case 'clockMoved':
      steps.point(moment, {
        kind: 'clock',
        text: `The clock was moved forward by ${durationOf(moment.byMs)}`,
      });
      break;
    default:
  }
}

function durationOf(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return `${Math.round(ms / 1_000)} s`;
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}
