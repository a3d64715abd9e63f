/** Whether a template may be sent now, to this recipient, with these parameters. */
import { readObject, readString } from '../control/json-reading.ts';
import type { MetaState } from '../meta-state.ts';
import type { SendBody } from '../sending/body.ts';
import type { Refusal } from '../sending/checks.ts';
import { fillTemplate } from './filling.ts';
import type { Template, TemplateStatus } from './template.ts';

const SENDABLE: ReadonlySet<TemplateStatus> = new Set(['APPROVED', 'FLAGGED']);

export interface FilledTemplate {
  readonly template: Template;
  readonly text: string;
}

export function prepareTemplate(
  state: MetaState,
  wabaId: string,
  body: SendBody,
): FilledTemplate | { readonly refusal: Refusal } {
  const content = readObject(body.content) ?? {};
  const name = readString(content.name) ?? '';
  const language = readString(readObject(content.language)?.code) ?? '';
  const template = state.templates.find(wabaId, name, language);
  if (template?.status === 'PAUSED') return { refusal: { code: 132015, details: '' } };
  if (template?.status === 'DISABLED') return { refusal: { code: 132016, details: '' } };
  if (!template || !SENDABLE.has(template.status)) {
    const details = `template name (${name.slice(0, 512)}) does not exist in ${language}`;
    return { refusal: { code: 132001, details } };
  }
  if (template.category === 'AUTHENTICATION' && body.phone === null) {
    return { refusal: { code: 131062, details: '' } };
  }
  const filled = fillTemplate(template, content);
  return 'refusal' in filled ? filled : { template, text: filled.text };
}
