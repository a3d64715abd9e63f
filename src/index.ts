/**
 * The front door of the package. What is not exported here or by `nightdesk/testing` is not promised and may change.
 */

// For whoever writes a dialog.
export {
  type ActivityDefinition,
  type ActivityLimit,
  type ActivitySpec,
  defineActivity,
  type NamedActivity,
} from '#core/dialog/activity.ts';
export { assistant, type ReplyInput, type ReplyOutput } from '#core/dialog/assistant.ts';
export { assumed } from '#core/dialog/check/assumed.ts';
export type { ActivityCost } from '#core/dialog/cost.ts';
export { defineDialog } from '#core/dialog/define.ts';
export {
  type ActivityDeclaration,
  type BusinessDialogEvent,
  type BusinessEventsOf,
  type Dialog,
  type DialogEvent,
  DialogRefused,
  dialogActions,
  dialogGuards,
  type EventSchemas,
  type FlagParams,
  type MailboxDrained,
  type SayParams,
  type TurnEnv,
} from '#core/dialog/dialog.ts';
export { type FetchMediaInput, type FetchMediaOutput, fetchMedia } from '#core/dialog/fetch-media.ts';
export { runTurn, type TurnInput, type TurnOutput } from '#core/dialog/run-turn.ts';
export type {
  AskSpec,
  ChooseSpec,
  ConfirmSpec,
  EndSpec,
  EventExits,
  Exit,
  Exits,
  HandOffSpec,
  Option,
  Say,
  Step,
  StepLater,
  Steps,
  StepsSpec,
  Told,
  WaitForMediaSpec,
  WaitForSpec,
  WindowTemplate,
  Words,
  WorkFault,
  WorkSpec,
} from '#core/dialog/steps/spec.ts';
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
export type { LateRule, OnUncertain } from '#core/model/ledger.ts';
export type { ContactCard, SendFile } from '#core/model/send-bodies.ts';
export {
  audio,
  BadSend,
  buttons,
  type CardInput,
  type Choice,
  callPermissionRequest,
  carousel,
  catalog,
  contactInfoRequest,
  contacts,
  ctaUrl,
  document,
  type FrameInput,
  type Header,
  image,
  type ListInput,
  list,
  location,
  locationRequest,
  product,
  products,
  type Row,
  reaction,
  sticker,
  type TemplateButton,
  type TemplateInput,
  type TemplateWords,
  template,
  text,
  video,
  type WaFlowInput,
  waFlow,
} from '#core/model/send-builders/index.ts';
export { fileLimits, sendLimits } from '#core/model/send-limits.ts';
export type { SendBody, SendState, UncertainPolicy } from '#core/model/sends.ts';
export {
  type ActivityAnswer,
  type ActivityContext,
  ActivityFault,
  type ActivityFiles,
  type ActivityLookup,
  type ActivityRun,
  type LookedUp,
} from '#core/ports/activity.ts';
export { type FileDriver, FileFault, type StoredFile } from '#core/ports/files.ts';
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
export { HttpFault, type World } from '#core/ports/world.ts';
export type { StandardSchema } from '#core/standard-schema.ts';
// For nightdesk.config.ts.
export type { NightdeskConfig } from '#runtime/config.ts';
// For whoever embeds the server or writes a driver.
export { type Config, readConfig } from '#runtime/config.ts';
export { createAiSdkModel } from '#runtime/models/ai-sdk.ts';
export { createAnthropicModel } from '#runtime/models/anthropic.ts';
export { createAiSdkTranscriber } from '#runtime/models/transcriber.ts';
export type { Nightdesk } from '#runtime/nightdesk.ts';
export { openNightdesk } from '#runtime/open.ts';
