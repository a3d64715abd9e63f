/** Reply buttons (1 to 3) and the list (up to 10 rows over all its sections). */
import { type JsonObject, readArray, readObject } from '../../control/json-reading.ts';
import { checkOneOf, checkOptionalText, checkText, checkUnique, invalid, type Refusal } from '../checks.ts';

const BUTTONS_MAX = 3;
const SECTIONS_MAX = 10;
const ROWS_MAX = 10;
export const BUTTON_CHARS_MAX = 20;
const SECTION_CHARS_MAX = 24;

/** `buttons` of an action, `max` of them at most. */
export function checkReplyButtons(value: unknown, max: number): Refusal | null {
  const buttons = (readArray(value) ?? []).map((each) => readObject(each) ?? {});
  if (buttons.length < 1 || buttons.length > max) {
    return invalid(`Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: ${max}.`);
  }
  const replies = buttons.map((button) => readObject(button.reply) ?? {});
  for (const [index, reply] of replies.entries()) {
    const wrong =
      checkOneOf(buttons[index]?.type, 'Button type', ['reply']) ??
      checkText(reply.id, 'Button id', 256) ??
      checkText(reply.title, 'Button title', BUTTON_CHARS_MAX);
    if (wrong) return wrong;
  }
  return (
    checkUnique(
      replies.map((reply) => reply.id),
      'Button ids',
    ) ??
    checkUnique(
      replies.map((reply) => reply.title),
      'Button titles',
    )
  );
}

export const checkButtons = (action: JsonObject): Refusal | null =>
  checkReplyButtons(action.buttons, BUTTONS_MAX);

/** A section's title may be missing only where there is one section. */
export function checkSectionTitle(section: JsonObject, sectionCount: number): Refusal | null {
  return sectionCount > 1
    ? checkText(section.title, 'Section title', SECTION_CHARS_MAX)
    : checkOptionalText(section.title, 'Section title', SECTION_CHARS_MAX);
}

export function sectionsOf(action: JsonObject): JsonObject[] | Refusal {
  const sections = (readArray(action.sections) ?? []).map((each) => readObject(each) ?? {});
  return sections.length < 1 || sections.length > SECTIONS_MAX
    ? invalid(`Invalid sections count. Min allowed sections: 1, Max allowed sections: ${SECTIONS_MAX}.`)
    : sections;
}

export function checkList(action: JsonObject): Refusal | null {
  const wrongButton = checkText(action.button, "interactive['action']['button']", BUTTON_CHARS_MAX);
  if (wrongButton) return wrongButton;
  const sections = sectionsOf(action);
  if (!Array.isArray(sections)) return sections;
  const ids: unknown[] = [];
  for (const section of sections) {
    const wrongTitle = checkSectionTitle(section, sections.length);
    if (wrongTitle) return wrongTitle;
    for (const each of readArray(section.rows) ?? []) {
      const row = readObject(each) ?? {};
      const wrong =
        checkText(row.id, 'Row id', 200) ??
        checkText(row.title, 'Row title', 24) ??
        checkOptionalText(row.description, 'Row description', 72);
      if (wrong) return wrong;
      ids.push(row.id);
    }
  }
  if (ids.length < 1) return invalid('A list needs at least one row.');
  if (ids.length > ROWS_MAX) return invalid(`Total row count exceed max allowed count: ${ROWS_MAX}.`);
  return checkUnique(ids, 'Row ids');
}
