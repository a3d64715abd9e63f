/**
 * The activities that the runtime has itself: a reply of the model, the file of a message. To add one, add its handler here.
 */
import type { ModelClient, Transcriber } from '#core/ports/model.ts';
import type { Store } from '#core/ports/store.ts';
import type { TenantDirectory } from '#core/ports/tenants.ts';
import type { World } from '#core/ports/world.ts';
import { Circuits } from '#pipeline/activity/circuit.ts';
import { createFetchMediaHandler } from '#pipeline/activity/fetch-media.ts';
import { createReplyHandler } from '#pipeline/activity/reply.ts';
import type { ActivityHandler } from '#pipeline/activity/station.ts';
import { createVoiceNotes, type VoiceNotes } from '#pipeline/activity/voice-notes.ts';
import type { FilesStation } from '#pipeline/files/station.ts';
import { createMediaFetcher } from '#pipeline/graph/media.ts';
import type { Config } from './config.ts';
import { observedModel } from './observed.ts';

export interface BuiltInParts {
  parts: { config: Config; world: World; store: Store; model: ModelClient; transcriber?: Transcriber };
  directory: TenantDirectory;
  files: FilesStation;
  tokenOf(tenantId: string): string | undefined;
}

/** The activities that the runtime has itself, by name. */
export function builtInOf(
  { parts, directory, files, tokenOf }: BuiltInParts,
  voiceNotes: VoiceNotes | undefined,
): Map<string, ActivityHandler> {
  const { world, store, config } = parts;
  const reply = createReplyHandler({
    ...{ store, directory, model: observedModel(parts.model, world) },
    circuits: new Circuits(world.clock.monotonicMs),
    ...(voiceNotes && { voiceNotes }),
  });
  const fetchMedia = createFetchMediaHandler({
    tokenOf,
    fetchMedia: createMediaFetcher({ http: world.http, ...config.graph }),
    keep: (file) => files.put(file),
  });
  return new Map([
    ['reply', reply],
    ['fetchMedia', fetchMedia],
  ]);
}

/** Undefined where nobody can transcribe. */
export function voiceNotesOf({ parts, tokenOf }: BuiltInParts): VoiceNotes | undefined {
  const { world, config, transcriber } = parts;
  if (transcriber === undefined) return undefined;
  return createVoiceNotes({
    transcriber,
    tokenOf,
    log: world.log,
    fetchMedia: createMediaFetcher({ http: world.http, ...config.graph }),
  });
}
