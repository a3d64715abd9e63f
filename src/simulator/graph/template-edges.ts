/**
 * Templates as Graph shows and takes them.
 *
 *   GET    /{waba id}/message_templates    filters, `fields`, pages
 *   POST   /{waba id}/message_templates    create
 *   DELETE /{waba id}/message_templates    ?name=, or ?hsm_id=&name= for one language
 *   GET, POST /{template id}               one template; edit
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/reference, message templates.
 */
import {
  type JsonObject,
  parseJson,
  readArray,
  readNumber,
  readObject,
  readString,
} from '../control/json-reading.ts';
import type { MetaState } from '../meta-state.ts';
import type { SendOutcome } from '../sending/sends.ts';
import type { Waba } from '../settings.ts';
import { type AuthorError, checkComponents } from '../templates/authoring.ts';
import { rewrite, submit } from '../templates/review.ts';
import { TEMPLATE_CATEGORIES, type Template } from '../templates/template.ts';
import {
  answerNode,
  answerPage,
  answerWith,
  errorOf,
  type Node,
  noSuchObject,
  parameterError,
  required,
  succeeded,
} from './answers.ts';
import type { GraphRequest } from './graph-request.ts';

const NAME = /^[a-z0-9_]{1,512}$/;
const LANGUAGE = /^[a-z]{2,3}(_[A-Z]{2,3})?$/;
const TEMPLATES_MAX = 6_000;
const EDITABLE = new Set(['APPROVED', 'REJECTED', 'PAUSED']);

const authorError = (state: MetaState, { subcode, title, message }: AuthorError): SendOutcome =>
  errorOf(state, {
    code: 100,
    message: 'Invalid parameter',
    subcode,
    isBare: true,
    forUser: { title, message },
  });

function templateNode(template: Template): Node {
  const fields = {
    id: template.id,
    name: template.name,
    language: template.language,
    status: template.status,
    category: template.category,
    sub_category: undefined,
    previous_category: template.previousCategory ?? undefined,
    correct_category: undefined,
    parameter_format: template.parameterFormat,
    components: template.components,
    quality_score: { score: template.quality },
    rejected_reason: template.rejectedReason,
    message_send_ttl_seconds: template.sendTtlSeconds ?? undefined,
    cta_url_link_tracking_opted_out: undefined,
    library_template_name: undefined,
  };
  const usual = ['name', 'parameter_format', 'components', 'language', 'status', 'category', 'id'];
  return { type: 'MessageTemplate', fields, usual };
}

/** `A`, `A,B` or `["A","B"]`, as clients write lists into a query. */
function wordsIn(value: string | undefined): ReadonlySet<string> | null {
  const words = (value ?? '').split(/[\s,[\]"]+/).filter((word) => word !== '');
  return words.length === 0 ? null : new Set(words.map((word) => word.toUpperCase()));
}

function listTemplates(state: MetaState, request: GraphRequest, waba: Waba): SendOutcome {
  const { query } = request;
  const statuses = wordsIn(query.status);
  const categories = wordsIn(query.category);
  const languages = wordsIn(query.language);
  const qualities = wordsIn(query.quality_score);
  const name = query.name?.toLowerCase();
  const words = query.name_or_content?.toLowerCase() ?? query.content?.toLowerCase();
  const found = state.templates
    .list(waba.id)
    .filter(
      (template) =>
        (!statuses || statuses.has(template.status)) &&
        (!categories || categories.has(template.category)) &&
        (!languages || languages.has(template.language.toUpperCase())) &&
        (!qualities || qualities.has(template.quality)) &&
        (!name || template.name.includes(name)) &&
        (!words || `${template.name} ${template.shape.body}`.toLowerCase().includes(words)),
    );
  return answerPage(state, found.map(templateNode), request);
}

interface Draft {
  readonly name: string;
  readonly language: string;
  readonly category: string;
  readonly parameterFormat: 'NAMED' | 'POSITIONAL';
  readonly components: readonly JsonObject[];
  readonly sendTtlSeconds: number | null;
}

const componentsIn = (value: unknown): readonly JsonObject[] | undefined =>
  readArray(value)?.map((each) => readObject(each) ?? {});

function readDraft(state: MetaState, body: JsonObject): Draft | SendOutcome {
  for (const key of ['name', 'category', 'language', 'components']) {
    if (body[key] === undefined) return required(state, key);
  }
  const name = readString(body.name) ?? '';
  const language = readString(body.language) ?? '';
  const category = readString(body.category)?.toUpperCase() ?? '';
  const format = readString(body.parameter_format)?.toUpperCase() ?? 'POSITIONAL';
  const components = componentsIn(body.components);
  if (!NAME.test(name)) {
    return parameterError(state, 'Param name must be 1 to 512 lower case letters, digits and underscores.');
  }
  if (!LANGUAGE.test(language))
    return parameterError(state, 'Param language must be a language code, as en_US.');
  if (!TEMPLATE_CATEGORIES.includes(category)) {
    return parameterError(state, `Param category must be one of {${TEMPLATE_CATEGORIES.join(', ')}}.`);
  }
  if (format !== 'NAMED' && format !== 'POSITIONAL') {
    return parameterError(state, 'Param parameter_format must be one of {NAMED, POSITIONAL}.');
  }
  if (!components || components.length === 0) {
    return parameterError(state, 'Param components must be a non-empty list.');
  }
  const sendTtlSeconds = readNumber(body.message_send_ttl_seconds) ?? null;
  return { name, language, category, parameterFormat: format, components, sendTtlSeconds };
}

function refuseDraft(state: MetaState, waba: Waba, draft: Draft, nowMs: number): SendOutcome | null {
  const { templates } = state;
  const { name, language, category, parameterFormat, components } = draft;
  const wrong = checkComponents(components, { format: parameterFormat, category });
  if (wrong) return authorError(state, wrong);
  if (templates.find(waba.id, name, language)) {
    return authorError(state, {
      subcode: 2388024,
      title: 'Content in This Language Already Exists',
      message: `There is already ${language} content for this template. You can create a new template and try again.`,
    });
  }
  if (templates.isNameKept(waba.id, name, nowMs)) {
    return authorError(state, {
      subcode: 2388023,
      title: 'Message Template Language Is Being Deleted',
      message: `New ${language} content can't be added while the existing content is being deleted. Try again in 30 days or consider creating a new message template.`,
    });
  }
  if (templates.list(waba.id).length < TEMPLATES_MAX) return null;
  return authorError(state, {
    subcode: 2388019,
    title: 'Message Template Limit Exceeded',
    message: `This WABA has ${TEMPLATES_MAX} templates, the most that are allowed.`,
  });
}

function createTemplate(state: MetaState, request: GraphRequest, waba: Waba, nowMs: number): SendOutcome {
  const draft = readDraft(state, readObject(parseJson(request.body)) ?? {});
  if ('kind' in draft) return draft;
  const refusal = refuseDraft(state, waba, draft, nowMs);
  if (refusal) return refusal;
  const template = state.templates.add({ ...draft, wabaId: waba.id, status: 'PENDING' });
  submit(state, template, nowMs);
  return answerWith({ id: template.id, status: template.status, category: template.category });
}

function deleteTemplates(state: MetaState, { query }: GraphRequest, waba: Waba, nowMs: number): SendOutcome {
  const { name, hsm_id: id } = query;
  if (!name) return required(state, 'name');
  const found = state.templates.named(waba.id, name).filter((each) => id === undefined || each.id === id);
  if (found.length === 0) {
    return authorError(state, {
      subcode: 2593002,
      title: 'Message Template Not Found',
      message: 'The message template was not found. It may have been deleted already.',
    });
  }
  for (const template of found) state.templates.remove(template, nowMs);
  return succeeded();
}

export function templateEdge(
  state: MetaState,
  request: GraphRequest,
  waba: Waba,
  nowMs: number,
): SendOutcome {
  if (request.method === 'GET') return listTemplates(state, request, waba);
  if (request.method === 'POST') return createTemplate(state, request, waba, nowMs);
  if (request.method === 'DELETE') return deleteTemplates(state, request, waba, nowMs);
  return noSuchObject(state, request.method, `${waba.id}/message_templates`);
}

function editTemplate(
  state: MetaState,
  request: GraphRequest,
  template: Template,
  nowMs: number,
): SendOutcome {
  const body = readObject(parseJson(request.body)) ?? {};
  const components = componentsIn(body.components) ?? template.components;
  const category = readString(body.category)?.toUpperCase() ?? template.category;
  if (!EDITABLE.has(template.status)) {
    return parameterError(state, `A template that is ${template.status} cannot be edited.`);
  }
  if (category !== template.category && template.status === 'APPROVED') {
    return parameterError(state, 'The category of an approved template cannot be changed.');
  }
  if (!TEMPLATE_CATEGORIES.includes(category)) {
    return parameterError(state, `Param category must be one of {${TEMPLATE_CATEGORIES.join(', ')}}.`);
  }
  const wrong = checkComponents(components, { format: template.parameterFormat, category });
  if (wrong) return authorError(state, wrong);
  template.category = category;
  rewrite(state, template, components, nowMs);
  return succeeded();
}

export function templateObject(
  state: MetaState,
  request: GraphRequest,
  template: Template,
  nowMs: number,
): SendOutcome {
  if (request.method === 'GET') return answerNode(state, templateNode(template), request);
  if (request.method === 'POST') return editTemplate(state, request, template, nowMs);
  return noSuchObject(state, request.method, template.id);
}
