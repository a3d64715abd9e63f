/** The recorded shapes of webhooks, as text; `fixtureNames` is sorted. */
import { readdirSync, readFileSync } from 'node:fs';

const directory = new URL('../fixtures/webhooks/', import.meta.url);

export const fixtureNames: string[] = readdirSync(directory)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
  .sort();

export function fixtureText(name: string): string {
  return readFileSync(new URL(`${name}.json`, directory), 'utf8');
}
