/** What a customer chooses from: 1 to 3 buttons, or a list of up to 10 rows. */
import type { ListSection, ReplyButton, SendBody } from '../send-bodies.ts';
import { sendLimits } from '../send-limits.ts';
import { count, id, unique, words } from './fields.ts';
import { type FrameInput, frameOf, textHeaderOf } from './frame.ts';

export interface Choice {
  /** Comes back with the tap. */
  id: string;
  title: string;
}

export interface Row extends Choice {
  description?: string;
}

/** A message with 1 to 3 buttons, whose ids and titles differ. @throws BadSend */
export function buttons(given: FrameInput & { buttons: readonly Choice[] }): SendBody {
  const action = { buttons: replyButtons('interactive.action.buttons', given.buttons) };
  return { type: 'interactive', interactive: { type: 'button', ...frameOf(given), action } };
}

/** @throws BadSend */
export function replyButtons(
  at: string,
  given: readonly Choice[],
  max: number = sendLimits.buttonsMax,
): ReplyButton[] {
  count(at, given, { min: 1, max, of: 'buttons' });
  const built = given.map((each, index) => ({
    type: 'reply' as const,
    reply: {
      id: id(`${at}[${index}].reply.id`, each.id, sendLimits.buttonIdCharsMax),
      title: words(`${at}[${index}].reply.title`, each.title, sendLimits.buttonTitleCharsMax),
    },
  }));
  unique(
    `${at}[].reply.id`,
    built.map(({ reply }) => reply.id),
  );
  unique(
    `${at}[].reply.title`,
    built.map(({ reply }) => reply.title.trim()),
  );
  return built;
}

export interface ListInput extends FrameInput {
  /** On the button that opens the list. */
  button: string;
  /** Where the rows need no headings. */
  rows?: readonly Row[];
  /** Each has a title where there are several. */
  sections?: readonly { title?: string; rows: readonly Row[] }[];
}

/** A list of 1 to 10 rows over all sections; the header is a text. @throws BadSend */
export function list(given: ListInput): SendBody {
  const at = 'interactive.action.sections';
  const { header, rows, sections = rows === undefined ? [] : [{ rows }], ...rest } = given;
  const top = header === undefined ? {} : { header: textHeaderOf(header) };
  const frame = { ...top, ...frameOf(rest, sendLimits.listBodyCharsMax) };
  const button = words('interactive.action.button', given.button, sendLimits.buttonTitleCharsMax);
  count(at, sections, { min: 1, max: sendLimits.sectionsMax, of: 'sections' });
  const all = sections.flatMap((section) => section.rows);
  count(`${at}[].rows`, all, { min: 1, max: sendLimits.rowsMax, of: 'rows' });
  const built = sections.map((section, index): ListSection => {
    const where = `${at}[${index}]`;
    count(`${where}.rows`, section.rows, { min: 1, max: sendLimits.rowsMax, of: 'rows' });
    return {
      ...sectionTitle(where, section.title, sections.length),
      rows: section.rows.map((row, place) => rowOf(`${where}.rows[${place}]`, row)),
    };
  });
  unique(
    `${at}[].rows[].id`,
    all.map((row) => row.id),
  );
  return {
    type: 'interactive',
    interactive: { type: 'list', ...frame, action: { button, sections: built } },
  };
}

function rowOf(at: string, { id: rowId, title, description }: Row): ListSection['rows'][number] {
  return {
    id: id(`${at}.id`, rowId, sendLimits.rowIdCharsMax),
    title: words(`${at}.title`, title, sendLimits.rowTitleCharsMax),
    ...(description === undefined
      ? {}
      : { description: words(`${at}.description`, description, sendLimits.rowDescriptionCharsMax) }),
  };
}

/** Meta demands a title where there are several sections. @throws BadSend */
export function sectionTitle(
  at: string,
  title: string | undefined,
  sectionCount: number,
): { title?: string } {
  if (title === undefined && sectionCount === 1) return {};
  return { title: words(`${at}.title`, title ?? '', sendLimits.sectionTitleCharsMax) };
}
