/**
 * The test kit, exported as `nightdesk/testing`: the conformance suite that a store must pass, webhook bodies as Meta
 * signs them, a world with a virtual clock, and the look-alike of Meta and of a model.
 */

export {
  createAnthropic,
  createMeta,
  createSimulatorClient,
  type Simulator,
  type SimulatorClient,
  startSimulator,
} from '#simulator/index.ts';
export { type ConformanceCase, storeConformance } from './store-conformance.ts';
export { createVirtualWorld, type VirtualWorld } from './virtual-world.ts';
export { createWebhooks, webhook } from './webhooks.ts';
