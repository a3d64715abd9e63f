/**
 * The front door of the package. What is not exported here or by `nightdesk/testing` is not promised and may change.
 */

export { assistant, type ReplyInput, type ReplyOutput } from '#core/dialog/assistant.ts';
// For whoever writes a dialog.
export {
  type ActivityDeclaration,
  type Dialog,
  type DialogEvent,
  DialogRefused,
  defineDialog,
  dialogActions,
  type FlagParams,
  type MailboxDrained,
  type SayParams,
  type TurnEnv,
} from '#core/dialog/dialog.ts';
export { runTurn, type TurnInput, type TurnOutput } from '#core/dialog/run-turn.ts';
export { type Limits, limits } from '#core/limits.ts';
export type { Effect, FlagReason } from '#core/model/effects.ts';
export {
  answerClassOf,
  type EventKind,
  type MailboxEvent,
  type MessageContent,
  type MessageKind,
} from '#core/model/events.ts';
export { Fault, type FaultCode } from '#core/model/faults.ts';
export { BadSend, reaction, text } from '#core/model/send-builders.ts';
export type { SendBody, SendState, UncertainPolicy } from '#core/model/sends.ts';
export {
  type ModelAnswer,
  type ModelClient,
  ModelFault,
  type ModelMessage,
  type ModelRequest,
  type Transcriber,
  type TranscriptionRequest,
} from '#core/ports/model.ts';
export type { Store } from '#core/ports/store.ts';
export type { Tenant } from '#core/ports/tenants.ts';
export type { Wake } from '#core/ports/wake.ts';
export type { World } from '#core/ports/world.ts';
// For nightdesk.config.ts.
export type { NightdeskConfig } from '#runtime/config.ts';
// For whoever embeds the server or writes a driver.
export { type Config, readConfig } from '#runtime/config.ts';
export { createAiSdkModel } from '#runtime/models/ai-sdk.ts';
export { createAnthropicModel } from '#runtime/models/anthropic.ts';
export { createAiSdkTranscriber } from '#runtime/models/transcriber.ts';
export type { Nightdesk } from '#runtime/nightdesk.ts';
export { openNightdesk } from '#runtime/open.ts';
