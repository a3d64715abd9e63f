/**
 * The approved words of templates. A message carries a template's name and what is put into it; its words are Meta's, who
 * tells them to whoever has a token. They are asked for when the first message with an unknown template is shown.
 */
import { signal } from '@preact/signals';
import { graph } from './media.ts';

export interface TemplateComponent {
  readonly type: string;
  readonly format?: string;
  readonly text?: string;
  readonly buttons?: readonly { readonly type: string; readonly text: string; readonly url?: string }[];
}

interface Template {
  readonly name: string;
  readonly language: string;
  readonly components: readonly TemplateComponent[];
}

const listedMax = 500;
const known = signal<ReadonlyMap<string, readonly TemplateComponent[]>>(new Map());
/** What was asked for and is not there is not asked for again: a template that comes later comes with a new message. */
const asked = new Set<string>();

const keyOf = (wabaId: string, name: string, language: string): string => `${wabaId} ${name} ${language}`;

async function read(wabaId: string): Promise<void> {
  const answer = await graph(`/${wabaId}/message_templates?limit=${listedMax}`);
  if (!answer.ok) return;
  const { data } = (await answer.json()) as { data: readonly Template[] };
  const all = new Map(known.value);
  for (const { name, language, components } of data) all.set(keyOf(wabaId, name, language), components);
  known.value = all;
}

/** Undefined until it is known, and where there is none. */
export function templateOf(
  wabaId: string,
  name: string,
  language: string,
): readonly TemplateComponent[] | undefined {
  const key = keyOf(wabaId, name, language);
  const found = known.value.get(key);
  if (found === undefined && !asked.has(key)) {
    asked.add(key);
    read(wabaId).catch(() => asked.delete(key));
  }
  return found;
}
