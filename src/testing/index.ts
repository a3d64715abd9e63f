/**
 * The test kit, exported as `nightdesk/testing`: a bot under test with its customers, the conformance suite that a store
 * must pass, webhook bodies as Meta signs them, a world with a virtual clock, and the look-alikes themselves.
 */

// A dialog, without a server or a clock
export { type Checked, type CheckReport, checkDialog } from '#core/dialog/check/check.ts';
export type { Finding, RuleName } from '#core/dialog/check/finding.ts';
export {
  createAnthropic,
  createMeta,
  createSimulatorClient,
  type Simulator,
  type SimulatorClient,
  startSimulator,
} from '#simulator/index.ts';
// A bot and its customers
export { connectStory } from './bot/live-stage.ts';
export { type Script, scriptedModel } from './bot/models.ts';
export { type SpawnedBot, type SpawnOptions, spawnBot } from './bot/spawn-bot.ts';
export { type Bot, type BotOptions, startBot } from './bot/start-bot.ts';
export type { TenantsFile, TestNumber } from './bot/tenants.ts';
// A day, recorded and played again
export { compareDays, type Difference, explainDifferences } from './day/compare.ts';
export { type Day, type DayLine, dayText, loadDay, parseDay, saveDay } from './day/day.ts';
export { type Recorder, recordDay } from './day/record.ts';
export { type Replay, type ReplayOptions, replayDay } from './day/replay.ts';
export { type DrivenDialog, type DriveOptions, DroveAstray, driveDialog } from './dialog/drive-dialog.ts';
export type { SeenSight } from './dialog/seen.ts';
// For whoever writes a driver
export { type FileConformanceCase, fileConformance, type OpenFiles } from './file-conformance.ts';
export { type ConformanceCase, storeConformance } from './store-conformance.ts';
export { type Patience, StoryContact, type StoryNumber } from './story/contact.ts';
export { NotSeen } from './story/explain.ts';
export type { StoryMessage } from './story/message.ts';
export type { Sight, Words } from './story/sights.ts';
export type { Stage, StoryClock } from './story/stage.ts';
export { createStory, type Story } from './story/story.ts';
export { createVirtualWorld, type VirtualWorld } from './virtual-world.ts';
export {
  type OpenedWake,
  type OpenWake,
  type WakeConformanceCase,
  wakeConformance,
} from './wake-conformance.ts';
export { createWebhooks, webhook } from './webhooks.ts';
