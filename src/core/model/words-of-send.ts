/**
 * A sent body as people and models read it in a history: its words, and in brackets what has none. A model that is shown
 * which choices stood there can understand "the second one". To add a type, add it here; the compiler asks for it.
 */
import type { Interactive, SendBody } from './send-bodies.ts';

export function wordsOfSend(body: SendBody): string {
  switch (body.type) {
    case 'text':
      return body.text.body;
    case 'image':
      return withWords('[image]', body.image.caption);
    case 'video':
      return withWords('[video]', body.video.caption);
    case 'document':
      return withWords(`[document${after(body.document.filename)}]`, body.document.caption);
    case 'audio':
      return body.audio.voice === true ? '[voice]' : '[audio]';
    case 'sticker':
      return '[sticker]';
    case 'location':
      return withWords(
        '[location]',
        [body.location.name, body.location.address, `${body.location.latitude}, ${body.location.longitude}`]
          .filter((each) => each !== undefined)
          .join(', '),
      );
    case 'contacts':
      return `[contacts: ${body.contacts.map(({ name }) => name.formatted_name).join(', ')}]`;
    case 'reaction':
      return body.reaction.emoji === '' ? '[reaction taken back]' : `[reaction ${body.reaction.emoji}]`;
    case 'template':
      return withWords(`[template ${body.template.name}]`, templateWords(body.template.components ?? []));
    case 'interactive':
      return wordsOfInteractive(body.interactive);
  }
}

function wordsOfInteractive(interactive: Interactive): string {
  const { header, body, footer } = interactive;
  const top = header === undefined ? undefined : header.type === 'text' ? header.text : `[${header.type}]`;
  const lines = [top, body?.text, footer?.text, choicesOf(interactive)];
  return lines.filter((line) => line !== undefined && line !== '').join('\n');
}

/** What the customer could tap, in brackets. */
function choicesOf(interactive: Interactive): string {
  switch (interactive.type) {
    case 'button':
      return inBrackets(interactive.action.buttons.map(({ reply }) => reply.title));
    case 'list':
      return inBrackets(interactive.action.sections.flatMap(({ rows }) => rows.map(({ title }) => title)));
    case 'cta_url':
      return `[${interactive.action.parameters.display_text}: ${interactive.action.parameters.url}]`;
    case 'flow':
      return `[${interactive.action.parameters.flow_cta}]`;
    case 'carousel':
      return interactive.action.cards
        .map(({ body, action }) =>
          withWords(
            'buttons' in action
              ? inBrackets(action.buttons.map(({ reply }) => reply.title))
              : `[${action.parameters.display_text}: ${action.parameters.url}]`,
            body?.text,
          ),
        )
        .join('\n');
    case 'product':
      return `[product ${interactive.action.product_retailer_id}]`;
    case 'product_list':
      return `[${interactive.action.sections.reduce((sum, each) => sum + each.product_items.length, 0)} products]`;
    case 'catalog_message':
      return '[catalog]';
    case 'location_request_message':
      return '[asks for the location]';
    case 'request_contact_info':
      return '[asks for the phone number]';
    case 'call_permission_request':
      return '[asks to be allowed to call]';
  }
}

function templateWords(
  components: readonly { parameters: readonly { type: string; text?: string }[] }[],
): string {
  return components
    .flatMap(({ parameters }) => parameters)
    .flatMap((each) => (each.type === 'text' && each.text !== undefined ? [each.text] : []))
    .join(' · ');
}

const inBrackets = (titles: readonly string[]) => titles.map((title) => `[${title}]`).join(' ');
const withWords = (what: string, said: string | undefined) =>
  said === undefined || said === '' ? what : `${what} ${said}`;
const after = (name: string | undefined) => (name === undefined ? '' : ` ${name}`);
