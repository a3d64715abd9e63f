/** What is refused of a step when its dialog is defined, since it would fail at night: times, templates, options, commands. */
import { limits } from '../../limits.ts';
import { isByLanguage } from './scope.ts';
import type { Option, Waiting, WindowTemplate } from './spec.ts';
import type { Rules } from './waiting.ts';

export type Refuse = (what: string) => never;

const hourMs = 3_600_000;
/** Nothing may be sent when the service window has closed; an hour is left for whatever is slow. */
const remindAfterMsMax = limits.serviceWindowMs - hourMs;

export function refuseTimes(
  { remindAfterMs, startOverAfterMs }: Pick<Rules, 'remindAfterMs' | 'startOverAfterMs'>,
  whose: string,
  refuse: Refuse,
): void {
  if (remindAfterMs > remindAfterMsMax)
    refuse(
      `${whose}.remindAfterMs is ${remindAfterMs}, at most ${remindAfterMsMax} may pass: after 24 h without a word of the customer Meta takes no reminder.`,
    );
  if (remindAfterMs > 0 && remindAfterMs >= startOverAfterMs)
    refuse(`${whose}.remindAfterMs is ${remindAfterMs}, when the step is left already (startOverAfterMs).`);
}

/** The usual help names "menu" and "cancel". */
export function refuseEmptyHelp({ commands = {} }: Waiting<never>, whose: string, refuse: Refuse): void {
  if ((commands.cancel === false || commands.menu === false) && commands.help === undefined)
    refuse(
      `${whose} does not heed a command that the usual help names. Say what helps there: commands: { help: { say: '...' } }, or help: false.`,
    );
}

/** Meta takes nothing but templates where the service window is closed. */
export function refuseOtherThanTemplate(
  given: WindowTemplate<never> | undefined,
  whose: string,
  refuse: Refuse,
): void {
  const all = isByLanguage(given) ? Object.values(given) : given === undefined ? [] : [given];
  if (
    all.some((each) => typeof each !== 'function' && (each as { type?: unknown } | null)?.type !== 'template')
  )
    refuse(`ifWindowClosed of ${whose} is no template. Make it by template({ name, language, ... }).`);
}

export function problemOfOptions(options: readonly Option<never>[]): string | null {
  const ids = options.map(({ id }) => id);
  const bad = ids.find((id) => !/^[\w-]{1,64}$/.test(id));
  if (bad !== undefined)
    return `the option "${bad}" needs an id of letters, digits, - and _ only, at most 64.`;
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  return twice === undefined ? null : `the option "${twice}" is there twice.`;
}
