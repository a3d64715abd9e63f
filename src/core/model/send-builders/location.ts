/** A place on the map. */
import type { SendBody } from '../send-bodies.ts';
import { sendLimits } from '../send-limits.ts';
import { BadSend, words } from './fields.ts';

/** Degrees as on maps; the phone shows name and address below the map. @throws BadSend */
export function location(given: {
  latitude: number;
  longitude: number;
  name?: string;
  address?: string;
}): SendBody {
  const line = (key: 'name' | 'address') =>
    given[key] === undefined ? {} : { [key]: words(`location.${key}`, given[key], sendLimits.lineCharsMax) };
  const latitude = degrees('location.latitude', given.latitude, 90);
  const longitude = degrees('location.longitude', given.longitude, 180);
  return { type: 'location', location: { latitude, longitude, ...line('name'), ...line('address') } };
}

function degrees(field: string, given: number, max: number): number {
  if (Number.isFinite(given) && Math.abs(given) <= max) return given;
  throw new BadSend({
    field,
    limit: max,
    actual: Number.isFinite(given) ? given : null,
    what: `is no number between -${max} and ${max}`,
    hint: 'Give degrees, and mind which of the two comes first.',
  });
}
