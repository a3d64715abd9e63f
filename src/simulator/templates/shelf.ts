/**
 * The templates of every WABA, found by name and language in one step, because each template send asks. Every WABA has
 * `hello_world` from the start, as each of Meta's has. A deleted name stays taken for 30 days.
 */
import type { JsonObject } from '../control/json-reading.ts';
import { shapeOf, type Template } from './template.ts';

const DELETED_NAME_KEPT_MS = 30 * 24 * 3_600_000;
/** Ids as long as Meta's; webhooks give them as numbers, so they must stay exact. */
const FIRST_ID = 1_689_556_908_000_000;

export type NewTemplate = Pick<
  Template,
  'wabaId' | 'name' | 'language' | 'category' | 'parameterFormat' | 'status' | 'components'
> & { readonly sendTtlSeconds?: number | null };

export interface TemplateShelf {
  add(given: NewTemplate): Template;
  get(id: string): Template | undefined;
  find(wabaId: string, name: string, language: string): Template | undefined;
  named(wabaId: string, name: string): Template[];
  /** Oldest first. */
  list(wabaId: string): Template[];
  remove(template: Template, nowMs: number): void;
  isNameKept(wabaId: string, name: string, nowMs: number): boolean;
  clear(): void;
}

const HELLO_WORLD: readonly JsonObject[] = [
  { type: 'HEADER', format: 'TEXT', text: 'Hello World' },
  {
    type: 'BODY',
    text: 'Welcome and congratulations!! This message demonstrates your ability to send a WhatsApp message notification from the Cloud API, hosted by Meta. Thank you for taking the time to test with us.',
  },
  { type: 'FOOTER', text: 'WhatsApp Business Platform sample message' },
];

/** One WABA's: by name, then by language. */
interface Drawer {
  readonly names: Map<string, Map<string, Template>>;
  readonly deletedAtMs: Map<string, number>;
}

class Shelf implements TemplateShelf {
  readonly #byId = new Map<string, Template>();
  readonly #drawers = new Map<string, Drawer>();
  #counter = 0;

  add(given: NewTemplate): Template {
    return this.#put(this.#drawer(given.wabaId), given);
  }

  get(id: string): Template | undefined {
    return this.#byId.get(id);
  }

  find(wabaId: string, name: string, language: string): Template | undefined {
    return this.#drawer(wabaId).names.get(name)?.get(language);
  }

  named(wabaId: string, name: string): Template[] {
    return [...(this.#drawer(wabaId).names.get(name)?.values() ?? [])];
  }

  list(wabaId: string): Template[] {
    return [...this.#drawer(wabaId).names.values()].flatMap((languages) => [...languages.values()]);
  }

  remove(template: Template, nowMs: number): void {
    const { names, deletedAtMs } = this.#drawer(template.wabaId);
    this.#byId.delete(template.id);
    const languages = names.get(template.name);
    languages?.delete(template.language);
    if (languages?.size !== 0) return;
    names.delete(template.name);
    deletedAtMs.set(template.name, nowMs);
  }

  isNameKept(wabaId: string, name: string, nowMs: number): boolean {
    const deletedAtMs = this.#drawer(wabaId).deletedAtMs.get(name);
    return deletedAtMs !== undefined && nowMs - deletedAtMs < DELETED_NAME_KEPT_MS;
  }

  clear(): void {
    this.#byId.clear();
    this.#drawers.clear();
  }

  #drawer(wabaId: string): Drawer {
    const known = this.#drawers.get(wabaId);
    if (known) return known;
    const drawer: Drawer = { names: new Map(), deletedAtMs: new Map() };
    this.#drawers.set(wabaId, drawer);
    this.#put(drawer, {
      wabaId,
      name: 'hello_world',
      language: 'en_US',
      category: 'UTILITY',
      parameterFormat: 'POSITIONAL',
      status: 'APPROVED',
      components: HELLO_WORLD,
    });
    return drawer;
  }

  #put({ names }: Drawer, given: NewTemplate): Template {
    this.#counter += 1;
    const template: Template = {
      sendTtlSeconds: null,
      ...given,
      id: String(FIRST_ID + this.#counter),
      previousCategory: null,
      quality: 'UNKNOWN',
      rejectedReason: 'NONE',
      isPaced: false,
      shape: shapeOf(given.components),
    };
    this.#byId.set(template.id, template);
    const languages = names.get(template.name) ?? new Map<string, Template>();
    languages.set(template.language, template);
    names.set(template.name, languages);
    return template;
  }
}

export const createTemplateShelf = (): TemplateShelf => new Shelf();
