/** A template as the customer sees it: the approved words with what was put into them. */
import { useContext } from 'preact/hooks';
import { type TemplateComponent, templateOf } from '../../data/templates.ts';
import { Icon } from '../../desk/icons.tsx';
import { type Body, readList, readObject, readText } from '../reading.ts';
import { WabaContext } from '../viewer.ts';
import { Formatted } from './formatted.tsx';
import { DocumentFile, Picture, Video } from './media.tsx';

const kindOf = ({ type }: { readonly type?: unknown }): string => readText(type)?.toLowerCase() ?? '';

/** The words of the template that a message names. */
export function useTemplate(body: unknown): readonly TemplateComponent[] | undefined {
  const wabaId = useContext(WabaContext);
  const template = readObject(body);
  const name = readText(template.name);
  const language = readText(readObject(template.language).code);
  if (name === undefined || language === undefined || wabaId === '') return undefined;
  return templateOf(wabaId, name, language);
}

function parametersOf(body: unknown, kind: string): readonly Body[] {
  return readList(readObject(body).components)
    .map(readObject)
    .filter((component) => kindOf(component) === kind)
    .flatMap(({ parameters }) => readList(parameters).map(readObject));
}

function wordOf(parameter: Body): string {
  const currency = readObject(parameter.currency);
  const date = readObject(parameter.date_time);
  return readText(parameter.text) ?? readText(currency.fallback_value) ?? readText(date.fallback_value) ?? '';
}

/** `{{1}}` takes the first parameter, `{{name}}` the one of that name. */
function filled(text: string, parameters: readonly Body[]): string {
  return text.replace(/\{\{\s*(\w+)\s*\}\}/g, (gap, key: string) => {
    const named = parameters.find((each) => each.parameter_name === key);
    const parameter = named ?? parameters[Number(key) - 1];
    return parameter === undefined ? gap : wordOf(parameter);
  });
}

function Header({ body, words }: { body: unknown; words: TemplateComponent | undefined }) {
  const [parameter] = parametersOf(body, 'header');
  if (parameter?.image !== undefined) return <Picture body={parameter.image} />;
  if (parameter?.video !== undefined) return <Video body={parameter.video} />;
  if (parameter?.document !== undefined) return <DocumentFile body={parameter.document} />;
  if (words?.text === undefined) return null;
  return <strong class="headline">{filled(words.text, parametersOf(body, 'header'))}</strong>;
}

export function Template({ body }: { body: unknown }) {
  const template = readObject(body);
  const components = useTemplate(body);
  const part = (kind: string) => components?.find((component) => kindOf(component) === kind);
  const values = parametersOf(body, 'body');
  const words = part('body')?.text;
  const footer = part('footer')?.text;
  const instead = values.map(wordOf).filter(Boolean).join(' · ') || 'Sent as approved';
  return (
    <>
      <Header body={body} words={part('header')} />
      <span class="template-name">
        <Icon name="template" /> {readText(template.name) ?? 'template'}
        <span>{readText(readObject(template.language).code) ?? ''}</span>
      </span>
      <span class="words">
        <Formatted text={words === undefined ? instead : filled(words, values)} />
      </span>
      {footer !== undefined && <span class="footnote">{footer}</span>}
    </>
  );
}
