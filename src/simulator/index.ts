/**
 * The simulator: look-alikes of Meta's Cloud API, of Anthropic's Messages API and of Google Cloud Tasks, with faults, for development, tests,
 * benchmarks and chaos runs. It knows nothing of the runtime it is used against.
 */

// The state machines, for simulations with a virtual clock
export { type Anthropic, createAnthropic, type ModelOutcome } from './anthropic/anthropic.ts';
export type { CallEnd, ModelCall, ModelStats } from './anthropic/model-calls.ts';
export type { ModelSettings } from './anthropic/model-settings.ts';
export type { Checkout, CheckoutStats } from './checkout/checkout.ts';
export { type CheckoutDesk, createCheckout } from './checkout/checkout.ts';
export { type CheckoutSettings, defaultCheckoutSettings } from './checkout/checkout-settings.ts';
export {
  type AttemptEnd,
  type CloudTasks,
  createCloudTasks,
  type TaskAttempt,
  type TasksOutcome,
  type TasksStats,
} from './cloud-tasks/tasks.ts';
export type { TasksSettings } from './cloud-tasks/tasks-settings.ts';
// What they tell
export type { Contact, ContactSpec } from './contacts.ts';
// Driving it
export {
  type Chat,
  type ControlRequest,
  type Counters,
  createSimulatorClient,
  type FaultPatch,
  type Say,
  type SimulatorClient,
  type SimulatorSetup,
} from './control/client.ts';
export { type Control, createControl } from './control/control.ts';
export type { HistoryMessage, Tick } from './conversations.ts';
export { createEventLog, type EventKind, type EventLog, type SimulatorEvent } from './events-log.ts';
export type { FaultSettings, GraphErrorFault, Trigger } from './faults.ts';
export type { GraphRequest } from './graph/graph-surface.ts';
// Running it
export type { SimulatorOptions, SimulatorWorld } from './http/engine.ts';
export { type Simulator, startSimulator } from './http/server.ts';
export type { ImageCharge, ImageSettings, ImageStats } from './images/images.ts';
export { createImages, type Images } from './images/images.ts';
export { createMeta, type Meta, type MetaAnswer, type MetaEffect } from './meta.ts';
export type { AcceptedSend, SaidMessage } from './meta-state.ts';
export type { WebhookAttempt, WebhookEnd } from './webhooks/deliveries.ts';
export type { HandshakeResult } from './webhooks/handshakes.ts';
export { signBody, stringifyLikeMeta } from './webhooks/signature.ts';
