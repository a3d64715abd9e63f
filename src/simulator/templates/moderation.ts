/**
 * What Meta's own people and systems do to a business, driven by a test or a person: deciding about templates, and taking
 * tokens away. A template that is added here skips the review; nothing tells of it.
 */
import { readArray, readNumber, readObject, readString } from '../control/json-reading.ts';
import { ControlError } from '../control/setting-merge.ts';
import type { MetaState } from '../meta-state.ts';
import { type AccessToken, readAccessToken } from '../settings.ts';
import { decide, rate, recategorize } from './review.ts';
import { TEMPLATE_CATEGORIES, TEMPLATE_QUALITIES, TEMPLATE_STATUSES, type Template } from './template.ts';

export type ShownTemplate = Omit<Template, 'shape'>;

export interface Moderation {
  templates(wabaId: string): ShownTemplate[];
  addTemplate(request: unknown): ShownTemplate;
  /** `status` (with `reason`), `quality`, `category`: each change is told by its webhook. `isPaced` is not. */
  changeTemplate(id: string, request: unknown, nowMs: number): ShownTemplate;
  /** Adds a token, or changes what is said of one that exists. */
  changeToken(request: unknown, nowMs: number): AccessToken;
}

const shown = ({ shape: _shape, ...rest }: Template): ShownTemplate => rest;

function oneOf<T extends string>(value: unknown, allowed: readonly T[], what: string): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new ControlError(`"${what}" must be one of ${allowed.join(', ')}.`);
  return found;
}

function addTemplate({ settings, templates }: MetaState, request: unknown): ShownTemplate {
  const source = readObject(request) ?? {};
  const wabaId = readString(source.wabaId) ?? '';
  const name = readString(source.name);
  if (!settings.wabas.has(wabaId)) {
    throw new ControlError(`There is no WABA "${wabaId}" here. Add it by POST /_sim/setup.`, 404);
  }
  const components = readArray(source.components)?.map((each) => readObject(each) ?? {});
  if (!name || !components) throw new ControlError('A template needs a "name" and a list of "components".');
  const language = readString(source.language) ?? 'en_US';
  const before = templates.find(wabaId, name, language);
  if (before)
    throw new ControlError(`There is already a template "${name}" in ${language}: ${before.id}.`, 409);
  const category = oneOf(source.category ?? 'UTILITY', TEMPLATE_CATEGORIES, 'category');
  const parameterFormat = oneOf(
    source.parameterFormat ?? 'POSITIONAL',
    ['NAMED', 'POSITIONAL'] as const,
    'parameterFormat',
  );
  const status = oneOf(source.status ?? 'APPROVED', TEMPLATE_STATUSES, 'status');
  return shown(templates.add({ wabaId, name, language, category, parameterFormat, status, components }));
}

const CHANGEABLE = ['status', 'reason', 'quality', 'category', 'isPaced'];

function changeTemplate(state: MetaState, id: string, request: unknown, nowMs: number): ShownTemplate {
  const template = state.templates.get(id);
  if (!template) {
    throw new ControlError(`There is no template "${id}". GET /_sim/templates?wabaId= lists them.`, 404);
  }
  const source = readObject(request) ?? {};
  const unknown = Object.keys(source).find((key) => !CHANGEABLE.includes(key));
  if (unknown !== undefined) {
    throw new ControlError(
      `A template's "${unknown}" cannot be changed here. Known: ${CHANGEABLE.join(', ')}.`,
    );
  }
  // All are read before the first is changed, so that a wrong one changes nothing.
  const status = source.status === undefined ? null : oneOf(source.status, TEMPLATE_STATUSES, 'status');
  const quality = source.quality === undefined ? null : oneOf(source.quality, TEMPLATE_QUALITIES, 'quality');
  const category =
    source.category === undefined ? null : oneOf(source.category, TEMPLATE_CATEGORIES, 'category');
  if (source.isPaced !== undefined) template.isPaced = source.isPaced === true;
  if (quality) rate(state, template, quality, nowMs);
  if (category) recategorize(state, template, category, nowMs);
  if (status) decide(state, template, { status, reason: readString(source.reason) ?? null }, nowMs);
  return shown(template);
}

function changeToken({ settings }: MetaState, request: unknown, nowMs: number): AccessToken {
  const source = readObject(request) ?? {};
  const before = settings.accessTokens.get(readString(source.token) ?? '');
  const inMs = readNumber(source.expiresInMs);
  const token = readAccessToken({
    ...before,
    ...source,
    ...(inMs === undefined ? {} : { expiresAtMs: nowMs + inMs }),
  });
  settings.accessTokens.set(token.token, token);
  return token;
}

export function createModeration(state: MetaState): Moderation {
  return {
    templates: (wabaId) => state.templates.list(wabaId).map(shown),
    addTemplate: (request) => addTemplate(state, request),
    changeTemplate: (id, request, nowMs) => changeTemplate(state, id, request, nowMs),
    changeToken: (request, nowMs) => changeToken(state, request, nowMs),
  };
}
