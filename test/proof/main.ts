/**
 * `npm run proof`: the full run with kills; a seed may follow. `npm run proof -- page` writes `docs/proof.md`,
 * `npm run proof -- memory --minutes 60` watches the heap under load, `npm run proof -- walks --seed 1` walks through the gift
 * shop. To add a part, add it to `parts`.
 */
import { runInFull } from './full-run.ts';
import { proveMemory } from './memory.ts';
import { writePage } from './page/main.ts';
import { proveWalks } from './walks.ts';

type Part = (args: string[]) => boolean | Promise<boolean>;

const parts: Readonly<Record<string, Part>> = { page: writePage, memory: proveMemory, walks: proveWalks };

const [name = '1', ...args] = process.argv.slice(2);
const part = parts[name] ?? (() => runInFull(Number(name)));
process.exit((await part(args)) ? 0 : 1);
