/**
 * Templates: the only messages that Meta takes outside the service window, and after which it bills by category. Whether
 * a template exists, is approved and takes these parameters only Meta knows; their form is checked here.
 */
import type { SendFile, TemplateBody, TemplateComponent, TemplateParameter } from '../send-bodies.ts';
import { sendLimits } from '../send-limits.ts';
import { BadSend, count, file, id, unique, words } from './fields.ts';
import { fileName } from './media.ts';

/** In their order, or by name where the template was made with named parameters. */
export type TemplateWords = readonly string[] | Readonly<Record<string, string>>;

/** A button that takes a value; `index` is its place in the template, from 0. */
export type TemplateButton =
  | { index: number; payload: string }
  | { index: number; urlSuffix: string }
  | { index: number; couponCode: string };

export interface TemplateInput {
  name: string;
  /** As in the template: `en_US`, `es`. */
  language: string;
  header?:
    | TemplateWords
    | { image: SendFile }
    | { video: SendFile }
    | { document: SendFile; filename?: string };
  body?: TemplateWords;
  buttons?: readonly TemplateButton[];
}

/** @throws BadSend */
export function template(given: TemplateInput): TemplateBody {
  const name = id('template.name', given.name, sendLimits.templateNameCharsMax);
  const code = id('template.language.code', given.language, sendLimits.templateLanguageCharsMax);
  if (!/^[a-z0-9_]+$/.test(name))
    throw new BadSend({
      field: 'template.name',
      what: 'holds something else than small letters, digits and _',
      hint: "Write it as in Meta's template manager.",
    });
  const components = componentsOf(given);
  return {
    type: 'template',
    template: { name, language: { code }, ...(components.length === 0 ? {} : { components }) },
  };
}

function componentsOf({ header, body, buttons = [] }: TemplateInput): TemplateComponent[] {
  count('template.components', buttons, { min: 0, max: sendLimits.templateButtonsMax, of: 'buttons' });
  const pages = buttons.filter((each) => 'urlSuffix' in each);
  const coupons = buttons.filter((each) => 'couponCode' in each);
  count('template.buttons[].urlSuffix', pages, {
    min: 0,
    max: sendLimits.templateUrlButtonsMax,
    of: 'buttons that open a page',
  });
  count('template.buttons[].couponCode', coupons, {
    min: 0,
    max: sendLimits.templateCouponButtonsMax,
    of: 'buttons that copy a code',
  });
  unique(
    'template.buttons[].index',
    buttons.map(({ index }) => String(index)),
  );
  return [
    ...(header === undefined ? [] : [{ type: 'header' as const, parameters: headerParameters(header) }]),
    ...(body === undefined
      ? []
      : [{ type: 'body' as const, parameters: wordParameters('template.body', body) }]),
    ...buttons.map(buttonOf),
  ];
}

function headerParameters(header: NonNullable<TemplateInput['header']>): TemplateParameter[] {
  const at = 'template.header';
  // A named parameter may be called like a kind of file; then its value is a text, not a file.
  const given = header as Record<string, SendFile | string>;
  if (typeof given.image === 'object') return [{ type: 'image', image: file(`${at}.image`, given.image) }];
  if (typeof given.video === 'object') return [{ type: 'video', video: file(`${at}.video`, given.video) }];
  if (typeof given.document !== 'object') return wordParameters(at, header as TemplateWords);
  const named =
    typeof given.filename === 'string' ? { filename: fileName(`${at}.filename`, given.filename) } : {};
  return [{ type: 'document', document: { ...file(`${at}.document`, given.document), ...named } }];
}

function wordParameters(at: string, given: TemplateWords): TemplateParameter[] {
  return isList(given)
    ? given.map((each, index) => ({ type: 'text', text: parameterText(`${at}[${index}]`, each) }))
    : Object.entries(given).map(([name, each]) => ({
        type: 'text',
        parameter_name: name,
        text: parameterText(`${at}.${name}`, each),
      }));
}

const isList = (given: TemplateWords): given is readonly string[] => Array.isArray(given);

/** Meta refuses a parameter that would tear the template's text apart. */
function parameterText(field: string, written: string): string {
  const text = words(field, written, sendLimits.templateParameterCharsMax);
  if (!/[\n\r\t]| {5}/.test(text)) return text;
  throw new BadSend({
    field,
    what: 'holds a line break, a tab or more than 4 spaces in a row',
    hint: 'Put them into the template itself.',
  });
}

function buttonOf(button: TemplateButton): TemplateComponent {
  const { index } = button;
  const field = `template.buttons[${index}]`;
  if (!Number.isInteger(index) || index < 0 || index >= sendLimits.templateButtonsMax)
    throw new BadSend({
      field: 'template.buttons',
      what: `names button ${index}`,
      hint: `The first is 0, the last possible one ${sendLimits.templateButtonsMax - 1}.`,
    });
  const at = { type: 'button' as const, index: String(index) };
  if ('payload' in button) {
    const payload = id(`${field}.payload`, button.payload, sendLimits.buttonIdCharsMax);
    return { ...at, sub_type: 'quick_reply', parameters: [{ type: 'payload', payload }] };
  }
  if ('couponCode' in button) {
    const coupon_code = id(`${field}.couponCode`, button.couponCode, sendLimits.couponCodeCharsMax);
    return { ...at, sub_type: 'copy_code', parameters: [{ type: 'coupon_code', coupon_code }] };
  }
  const text = id(`${field}.urlSuffix`, button.urlSuffix, sendLimits.linkCharsMax);
  return { ...at, sub_type: 'url', parameters: [{ type: 'text', text }] };
}
