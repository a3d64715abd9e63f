/** Two processes on one database, as far as a test needs them: two stores on one schema, and one scene whose messages both find. */

import type { ConversationRef } from '#core/model/ids.ts';
import type { Store } from '#core/ports/store.ts';
import { openPostgresStore } from '#store/postgres/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { nth, Scene } from '#testing/store-conformance/scene.ts';
import { postgresUrl, type TestSchema } from './server.ts';

export interface TwoStores {
  /** Speaks through the first. */
  scene: Scene;
  stores: readonly [Store, Store];
  random: () => number;
  /** One of the two, by chance. */
  either(): Store;
  shuffled<T>(list: readonly T[]): T[];
  /** New customers who have each said something. */
  newcomers(count: number): Promise<ConversationRef[]>;
  close(): Promise<void>;
}

/** Runs on an emptied schema, and closes the stores. */
export async function onTwoStores(
  schema: TestSchema,
  body: (two: TwoStores) => Promise<void>,
): Promise<void> {
  const two = await openTwoStores(schema);
  try {
    await body(two);
  } finally {
    await two.close();
  }
}

export async function openTwoStores(schema: TestSchema, seed = 1): Promise<TwoStores> {
  await schema.wipe();
  const open = () =>
    openPostgresStore({
      ...{ url: postgresUrl, schema: schema.name, connectionsMax: 4, clock: 'caller' },
      soon: (fn) => void setImmediate(fn),
    });
  const stores = [await open(), await open()] as const;
  const close = async () => void (await Promise.all(stores.map((store) => store.close())));
  const scene = new Scene({ store: stores[0], close });
  const random = seededRandom(seed);
  let customers = 0;
  return {
    ...{ scene, stores, random, close },
    either: () => nth(stores, random() < 0.5 ? 0 : 1),
    shuffled: (list) =>
      list
        .map((item) => ({ item, at: random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item),
    async newcomers(count) {
      const messages = Array.from({ length: count }, () =>
        scene.message('hello', { from: { bsuid: `US.${++customers}` } }),
      );
      return (await scene.append(...messages)).wakes.map(({ ref }) => ref);
    },
  };
}
