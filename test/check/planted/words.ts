/** What the planted dialogs share: a text, buttons, and a paid activity that nobody runs. */
import type { ActivityDeclaration } from '#core/dialog/dialog.ts';
import type { SendBody } from '#core/model/sends.ts';

export const say = (text: string) => ({ type: 'say' as const, params: { text } });

export const offer = (text: string, options: readonly string[]) => ({
  type: 'say' as const,
  params: { body: buttons(text, options) },
});

function buttons(text: string, options: readonly string[]): SendBody {
  const shown = options.map((id) => ({ type: 'reply' as const, reply: { id, title: id } }));
  return { type: 'interactive', interactive: { type: 'button', body: { text }, action: { buttons: shown } } };
}

export const paidDrawing: ActivityDeclaration = {
  deadlineMs: () => 60_000,
  cost: { currency: 'USD', amountMicros: 40_000 },
  onUncertain: 'settleAndFlag',
};
