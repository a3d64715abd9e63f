/** What a town is made of. */
import type { Dialog } from '#core/dialog/dialog.ts';
import type { ModelClient, Transcriber } from '#core/ports/model.ts';
import type { Store } from '#core/ports/store.ts';
import type { World } from '#core/ports/world.ts';
import type { SimulatorSetup } from '#simulator/index.ts';
import type { ServeOptions, VirtualWorld } from '#testing/virtual-world.ts';

export interface TownTenant {
  id: string;
  settings?: Record<string, unknown>;
  dialog?: string;
  /** Of the tenant, all numbers together. */
  sendsPerSecondMax?: number;
  activitiesMax?: number;
  /** Of each number. */
  numberPerSecond?: number;
  numbers?: number;
  accessToken?: string;
  holdIdle?: 'alert' | 'handBack';
  budget?: { currency: string; perDayMicros: number; alertAtPercent?: number[] };
}

export interface TownOptions {
  seed?: number;
  tenants?: TownTenant[];
  dialogs?: Dialog[];
  /** Makes the model; the look-alike of Anthropic with an answer after 300 ms if absent. */
  model?: (world: World) => ModelClient;
  transcriber?: (world: World) => Transcriber;
  meta?: SimulatorSetup;
  networkMs?: ServeOptions['networkMs'];
  /** Puts something between the runtime and its store. */
  wrapStore?: (store: Store, world: VirtualWorld) => Store;
}
