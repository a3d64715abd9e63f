/**
 * The quick replies under a template: a send names the template and at most their payloads, the titles stand in the
 * template itself.
 */
import type { HistoryMessage, SimulatorClient } from '#simulator/index.ts';
import type { Offer } from './sights.ts';

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};
const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const isType = (component: Fields, type: string): boolean =>
  String(component.type).toLowerCase() === type.toLowerCase();

/** The quick replies of each template among the messages, by wamid. */
export async function templateOffers(
  control: SimulatorClient,
  phoneNumberId: string,
  messages: readonly HistoryMessage[],
): Promise<Map<string, Offer[]>> {
  const sent = messages.filter(({ type }) => type === 'template');
  if (sent.length === 0) return new Map();
  const number = (await control.numbers()).find(({ id }) => id === phoneNumberId);
  const templates = number === undefined ? [] : await control.templates(number.wabaId);
  return new Map(
    sent.map(({ wamid, body }) => {
      const { name, language, components } = fieldsOf(body);
      const template = templates.find(
        (each) => each.name === name && each.language === fieldsOf(language).code,
      );
      return [wamid, offersIn(listOf(template?.components), listOf(components))];
    }),
  );
}

function offersIn(components: readonly Fields[], given: readonly Fields[]): Offer[] {
  const buttons = listOf(components.find((each) => isType(each, 'buttons'))?.buttons);
  return buttons.flatMap((button, index) => {
    if (!isType(button, 'quick_reply')) return [];
    const title = String(button.text);
    const filled = given.find((each) => isType(each, 'button') && Number(each.index) === index);
    const payload = listOf(filled?.parameters)[0]?.payload;
    return [{ kind: 'quickReply' as const, id: typeof payload === 'string' ? payload : title, title }];
  });
}
