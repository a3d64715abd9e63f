/** The dialogs of a process: the assistant, and those of `nightdesk.config.ts`, by name. */
import { assistant } from '#core/dialog/assistant.ts';
import type { Dialog } from '#core/dialog/dialog.ts';
import { BadConfig, type Config } from './config.ts';

/** @throws BadConfig where two have one name */
export function dialogsOf(config: Config): Map<string, Dialog> {
  const dialogs = new Map([[assistant.name, assistant]]);
  for (const dialog of config.file.dialogs ?? []) {
    if (dialogs.has(dialog.name) && dialog.name !== assistant.name)
      throw new BadConfig(
        `nightdesk.config.ts names the dialog "${dialog.name}" twice. Give each its own name.`,
      );
    dialogs.set(dialog.name, dialog);
  }
  return dialogs;
}
