/**
 * Which versions Graph serves. One that never was, or is to come, is not a version to Graph but an unknown path. One that
 * has expired is refused in the same words, or served by the oldest that lives, as Graph has been seen to do both.
 * Expiry as published: v21.0 in January 2027, v22.0 in May 2027, v23.0 in October 2027, v24.0 in February 2028.
 * Source: developers.facebook.com/docs/graph-api/changelog/versions.
 */
import type { MetaState } from '../meta-state.ts';
import type { SendOutcome } from '../sending/sends.ts';
import { unknownPath } from './answers.ts';

const VERSION = /^v(\d{1,3})\.(\d{1,3})$/;

/** The path's segments behind its version, if it has one; or the refusal of that version. */
export function withoutVersion(
  state: MetaState,
  segments: readonly string[],
): readonly string[] | SendOutcome {
  const [version = '', ...rest] = segments;
  const match = VERSION.exec(version);
  if (!match) return segments;
  const { graphVersions, rules } = state.settings;
  if (graphVersions.includes(version)) return rest;
  const isRetired = graphVersions.every((live) => Number(match[1]) < Number(VERSION.exec(live)?.[1]));
  return isRetired && rules.retiredVersion === 'serve' ? rest : unknownPath(state, rest.join('/'));
}
