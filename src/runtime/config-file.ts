/**
 * `nightdesk.config.ts`: loaded, looked at, and where it cannot be used, refused with the place in the file. It may import
 * files of the same project; a fault in one of those is told with that one's name.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { eventSchemasOf } from '#core/dialog/business-events.ts';
import type { Dialog } from '#core/dialog/dialog.ts';
import { configureLimits } from '#core/limits.ts';
import { codeOf, framesOf, KnownError, messageOf } from '#core/model/faults.ts';
import type { ModelClient, Transcriber } from '#core/ports/model.ts';
import type { World } from '#core/ports/world.ts';

export const configFileNames = ['nightdesk.config.ts', 'nightdesk.config.js'] as const;

/** What `nightdesk.config.ts` exports by default. */
export interface NightdeskConfig {
  dialogs?: Dialog[];
  /** Makes the model that the assistant asks; without it Claude, or the demo model where there is no key. */
  model?: (world: World) => ModelClient | Promise<ModelClient>;
  /** Makes what turns voice notes into words; without it customers are told that they cannot be read. */
  transcriber?: (world: World) => Transcriber | Promise<Transcriber>;
  /** Other values for limits of `src/core/limits.ts`. */
  limits?: Partial<Record<string, number>>;
}

export interface ConfigPlace {
  file: string;
  line: number | null;
}

/** Configuration that cannot work. The message is for a person. */
export class BadConfig extends KnownError {
  override readonly name = 'BadConfig';
  /** Where a file is at fault and not the environment. */
  readonly place: ConfigPlace | null;

  constructor(message: string, place: ConfigPlace | null = null) {
    super(message);
    this.place = place;
  }
}

/** Empty where there is no such file. @throws BadConfig */
export async function readConfigFile(folder: string): Promise<NightdeskConfig> {
  const path = configFileNames.map((name) => resolve(folder, name)).find((each) => existsSync(each));
  if (path === undefined) return {};
  let file: NightdeskConfig;
  try {
    file = ((await import(pathToFileURL(path).href)) as { default?: NightdeskConfig }).default ?? {};
  } catch (error) {
    const place = placeOf(error, folder) ?? { file: path, line: null };
    const at = place.line === null ? '' : `:${place.line}`;
    const inImport = place.file === path ? '' : ` in ${place.file}${at}`;
    throw new BadConfig(
      `${path} cannot be loaded${inImport}: ${loadingProblemOf(error, place)}. It must be a module that exports the configuration by default.`,
      place,
    );
  }
  const refuse = (what: string) => {
    throw new BadConfig(`${path}, ${what}`, { file: path, line: null });
  };
  const problem = problemOfDialogs(file.dialogs);
  if (problem !== null) refuse(`dialogs: ${problem}`);
  try {
    configureLimits(file.limits ?? {});
  } catch (error) {
    refuse(`limits: ${messageOf(error)}`);
  }
  return file;
}

/** Whoever writes JavaScript has no compiler that says so. */
function problemOfDialogs(dialogs: unknown): string | null {
  if (dialogs === undefined) return null;
  if (!Array.isArray(dialogs)) return 'it must be a list of dialogs, e.g. dialogs: [tableBooking].';
  const names = new Set<string>();
  for (const [at, dialog] of (dialogs as Partial<Dialog>[]).entries()) {
    if (typeof dialog?.name !== 'string' || dialog.machine === undefined)
      return `number ${at + 1} is no dialog. Give what defineDialog returns.`;
    if (names.has(dialog.name))
      return `the name "${dialog.name}" stands there twice. Give each its own name.`;
    names.add(dialog.name);
  }
  try {
    eventSchemasOf(dialogs as Dialog[]);
  } catch (error) {
    return messageOf(error);
  }
  return null;
}

/** The parser's words may quote the file, and the file may hold keys: there the place must do. */
function loadingProblemOf(error: unknown, { line }: ConfigPlace): string {
  const words = messageOf(error).replace(/\.$/, '');
  const isParsers = error instanceof SyntaxError;
  const namesOnly =
    isParsers &&
    (codeOf(error) === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' ||
      /^The requested module '[^'\n]*' does not provide an export named '[\w$]+'$/.test(words));
  if (!isParsers || namesOnly) return words;
  return `it cannot be parsed${line === null ? '' : ` at line ${line}`}`;
}

/** The innermost place of the project's own files: what the parser names, who imports what is missing, or who threw. */
function placeOf(error: unknown, folder: string): ConfigPlace | undefined {
  if (!(error instanceof Error)) return undefined;
  const importer = /imported from (\S.*)$/m.exec(error.message)?.[1];
  const head = /^(\S.*):(\d+)\n/.exec(error.stack ?? '');
  const parsed = head !== null && error instanceof SyntaxError ? [`${head[1]}:${head[2]}`] : [];
  const thrown = framesOf(error).map((frame) => frame.replace(/:\d+$/, ''));
  return [...parsed, ...thrown, ...(importer === undefined ? [] : [importer])]
    .map(splitPlace)
    .find(({ file }) => file.startsWith(`${resolve(folder)}/`) && !file.includes('/node_modules/'));
}

function splitPlace(place: string): ConfigPlace {
  const [, file = place, line] = /^(.*?)(?::(\d+))?$/.exec(place) ?? [];
  const path = file.startsWith('file:') && URL.canParse(file) ? fileURLToPath(file) : file;
  return { file: path, line: line === undefined ? null : Number(line) };
}
