/** A place on the map. Coordinates may be numbers or numeric strings, as Meta's own examples have both. */
import { readNumber } from '../control/json-reading.ts';
import { type Check, checkOptionalText, invalid, missing, type Refusal } from './checks.ts';

function checkDegrees(value: unknown, path: string, max: number): Refusal | null {
  if (value === undefined) return missing(path);
  const isNumeric = typeof value === 'string' && /^\s*[+-]?(\d+\.?\d*|\.\d+)\s*$/.test(value);
  const degrees = isNumeric ? Number(value) : readNumber(value);
  return degrees !== undefined && Math.abs(degrees) <= max
    ? null
    : invalid(`${path} must be a number between -${max} and ${max}.`);
}

export const checkLocation: Check = (content) =>
  checkDegrees(content.latitude, "location['latitude']", 90) ??
  checkDegrees(content.longitude, "location['longitude']", 180) ??
  checkOptionalText(content.name, "location['name']", 1_000) ??
  checkOptionalText(content.address, "location['address']", 1_000);
