/** Stores for the conformance suite on a real Postgres: closing and opening again is a real restart. */
import { openPostgresStore } from '#store/postgres/index.ts';
import type { OpenStore } from '#testing/store-conformance.ts';
import { postgresUrl, type TestSchema } from './server.ts';

/** `schema` is asked each time, since it is made before the first case; `url` likewise. */
export function onPostgres(schema: () => TestSchema, url: () => string = () => postgresUrl): OpenStore {
  return async () => {
    await schema().wipe();
    const open = () =>
      openPostgresStore({
        ...{ url: url(), schema: schema().name, connectionsMax: 4, clock: 'caller' },
        soon: (fn) => void setImmediate(fn),
      });
    let store = await open();
    return {
      store,
      async reopen() {
        await store.close();
        store = await open();
        return store;
      },
      close: () => store.close(),
    };
  };
}
