/**
 * The ids of buttons and rows. A dialog offers options by its own names; what leaves is minted here: dialog, visit, option
 * and a code that only this server can write. A second tap on a button is a new message with a new wamid, so no
 * deduplication of messages finds it: the visit does. A visit is named by the position in the mailbox of the event that began
 * it, so no two of a conversation are ever alike, whatever a dialog goes through.
 *
 * A visit begins when the machine's state changes or a tap was taken. Asking once more keeps it: all buttons of one question
 * stay good until one of them was tapped.
 */
import type { MailboxEvent } from '../model/events.ts';
import { tooLong } from '../model/send-builders/fields.ts';
import { sendLimits } from '../model/send-limits.ts';
import type { SendBody } from '../model/sends.ts';
import { codePoints } from '../model/split-text.ts';

/** Writes and checks the codes of one conversation; the key is the server's. */
export interface TapSigner {
  sign(text: string): string;
  verify(text: string, code: string): boolean;
}

/** For whoever runs a dialog without a server: nobody else writes ids there. */
export const openSigner: TapSigner = { sign: () => 'open', verify: (_, code) => code === 'open' };

/** What a conversation remembers of its visits. */
export interface Visit {
  /** Position of the event that began it. */
  began: number;
  /** The last tap that was taken: on which visit, which option, and the visit that it began. */
  tapped?: { visit: number; option: string; began: number };
  /** Through which position the dialog has said or flagged something. */
  answeredThrough?: number;
}

export const firstVisit: Visit = { began: 0 };

const prefix = 'nd.';

export interface Mint {
  dialog: string;
  visit: number;
  signer: TapSigner;
}

/** The most that minting adds to an id: prefix, visit, two dots, code. */
const mintedCharsMax = prefix.length + 15 + 2 + 16;

/** @throws BadSend where Meta would not take what it becomes */
function idOf({ dialog, visit, signer }: Mint, option: string, [field, idCharsMax]: IdPlace): string {
  const [actual, limit] = [codePoints(option), idCharsMax - mintedCharsMax];
  const hint = 'Shorten it: the id that leaves also names the visit and has a code.';
  if (actual > limit) throw tooLong(field, { limit, actual, hint });
  return `${prefix}${visit}.${option}.${signer.sign(textOf(dialog, visit, option))}`;
}

type IdPlace = readonly [field: string, idCharsMax: number];
const ofButton: IdPlace = ['interactive.action.buttons[].reply.id', sendLimits.buttonIdCharsMax];
const ofRow: IdPlace = ['interactive.action.sections[].rows[].id', sendLimits.rowIdCharsMax];
const ofCard: IdPlace = ['interactive.action.cards[].action.buttons[].reply.id', sendLimits.buttonIdCharsMax];

const textOf = (dialog: string, visit: number, option: string) => `${dialog}\n${visit}\n${option}`;

/** The body with minted ids where it offers options. @throws BadSend */
export function mintBody(body: SendBody, mint: Mint): SendBody {
  if (body.type !== 'interactive') return body;
  const { interactive } = body;
  if (interactive.type === 'button') {
    const buttons = interactive.action.buttons.map((button) => ({
      ...button,
      reply: { ...button.reply, id: idOf(mint, button.reply.id, ofButton) },
    }));
    return { ...body, interactive: { ...interactive, action: { buttons } } };
  }
  if (interactive.type === 'list') {
    const sections = interactive.action.sections.map((section) => ({
      ...section,
      rows: section.rows.map((row) => ({ ...row, id: idOf(mint, row.id, ofRow) })),
    }));
    return { ...body, interactive: { ...interactive, action: { ...interactive.action, sections } } };
  }
  if (interactive.type === 'carousel') {
    const cards = interactive.action.cards.map((card) =>
      'buttons' in card.action
        ? {
            ...card,
            action: {
              buttons: card.action.buttons.map((button) => ({
                ...button,
                reply: { ...button.reply, id: idOf(mint, button.reply.id, ofCard) },
              })),
            },
          }
        : card,
    );
    return { ...body, interactive: { ...interactive, action: { cards } } };
  }
  return body;
}

/**
 * What a tap is. `now`: an option of the present visit. `second`: its visit has been answered by a tap already, and nothing
 * was asked since, or by a tap on this same option. `old`: of an earlier visit. `foreign`: not from this dialog's messages.
 */
export type Tap = { kind: 'now' | 'second' | 'old'; visit: number; option: string } | { kind: 'foreign' };

/** Null where the event is no tap. */
export function tapOf(
  event: MailboxEvent,
  { dialog, visit, signer }: { dialog: string; visit: Visit; signer: TapSigner },
): Tap | null {
  const id = event.content.choice?.id;
  if ((event.kind !== 'button' && event.kind !== 'listChoice') || id === undefined) return null;
  const parts = /^nd\.(\d{1,15})\.(.+)\.([\w-]+)$/s.exec(id);
  if (parts === null) return { kind: 'foreign' };
  const [, number = '', option = '', code = ''] = parts;
  const of = Number(number);
  if (!signer.verify(textOf(dialog, of, option), code)) return { kind: 'foreign' };
  const { began, tapped } = visit;
  if (of === began) return { kind: 'now', visit: of, option };
  const isSame = tapped?.visit === of && (tapped.option === option || tapped.began === began);
  return { kind: isSame ? 'second' : 'old', visit: of, option };
}
