/**
 * Until when the configured version of Graph lives. From Meta's own list; a version lives two years after the next one came.
 * Source: developers.facebook.com/docs/graph-api/changelog/versions.
 */
import type { Finding } from './finding.ts';

/** The day on which it dies; null where Meta has not named it yet. */
const lives: Readonly<Record<string, string | null>> = {
  'v19.0': '2026-05-21',
  'v20.0': '2026-09-24',
  'v21.0': '2027-01-21',
  'v22.0': '2027-05-20',
  'v23.0': '2027-10-08',
  'v24.0': '2028-02-18',
  'v25.0': '2028-07-29',
  'v26.0': null,
};
const newest = 'v26.0';
const soonMs = 90 * 86_400_000;

export function versionFinding(version: string, nowMs: number): Finding {
  const check = 'graph version';
  const remedy = `Set GRAPH_API_VERSION to ${newest}, or leave it out.`;
  const dies = lives[version];
  if (dies === null)
    return { check, status: 'ok', says: `${version} is the newest that this release knows.` };
  if (dies === undefined) {
    const isOld = numberOf(version) < numberOf(Object.keys(lives)[0] ?? version);
    return isOld
      ? {
          check,
          status: 'fail',
          says: `${version} has been dead for long: Meta refuses it or answers as another version.`,
          todo: remedy,
        }
      : { check, status: 'ok', says: `${version} is newer than what this release was tested with.` };
  }
  const leftMs = Date.parse(dies) - nowMs;
  if (leftMs <= 0)
    return {
      check,
      status: 'fail',
      says: `${version} died on ${dies}: Meta refuses it or answers as another version.`,
      todo: remedy,
    };
  if (leftMs < soonMs)
    return { check, status: 'warn', says: `${version} dies on ${dies}; then nothing leaves.`, todo: remedy };
  return { check, status: 'ok', says: `${version} lives until ${dies}.` };
}

const numberOf = (version: string): number => Number(version.replace(/^v/, ''));
