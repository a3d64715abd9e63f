/**
 * The configuration of WAKE=cloud-tasks: which queue, where our door is, whose token opens it, and with which credentials
 * tasks are made. What can be known is not asked for: on Google's own machines there is no credentials file, and the keys and
 * the issuer are Google's. To add a key, add it to `config.ts`, here, and to docs/reference/configuration.md.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { KnownError } from '#core/model/faults.ts';
import { type Credentials, readKeyFile } from '#wake/cloud-tasks/credentials.ts';
import type { CloudTasksOptions } from '#wake/cloud-tasks/index.ts';
import { BadConfig } from './config-file.ts';

/** The path of the door. */
export const wakePath = '/internal/wake';

/** As the environment has them, each read already. */
export interface CloudTasksKeys {
  CLOUD_TASKS_QUEUE?: string | undefined;
  CLOUD_TASKS_TARGET_URL?: string | undefined;
  CLOUD_TASKS_SERVICE_ACCOUNT?: string | undefined;
  CLOUD_TASKS_AUDIENCE?: string | undefined;
  CLOUD_TASKS_API_URL?: string | undefined;
  CLOUD_TASKS_ISSUER?: string[] | undefined;
  CLOUD_TASKS_JWKS_URL?: string | undefined;
  GOOGLE_APPLICATION_CREDENTIALS?: string | undefined;
  GCE_METADATA_HOST?: string | undefined;
}

const required = {
  CLOUD_TASKS_QUEUE: 'the whole name of the queue, projects/PROJECT/locations/LOCATION/queues/QUEUE',
  CLOUD_TASKS_TARGET_URL: `the public address of this service, e.g. https://nightdesk-abc.a.run.app; ${wakePath} is added where it has no path`,
  CLOUD_TASKS_SERVICE_ACCOUNT:
    'the e-mail of the service account whose token the tasks bring, e.g. waker@PROJECT.iam.gserviceaccount.com',
} as const;

/** How to mend each key. */
export const cloudTasksRemedies = {
  ...required,
  CLOUD_TASKS_API_URL: 'an http or https address, or unset it for https://cloudtasks.googleapis.com',
  CLOUD_TASKS_JWKS_URL: 'an http or https address, or unset it for the keys of Google',
  GCE_METADATA_HOST: 'a host, with a port where it needs one, or unset it for metadata.google.internal',
} as const;

/** @throws BadConfig that names every key that is missing */
export async function readCloudTasks(e: CloudTasksKeys, folder: string): Promise<CloudTasksOptions> {
  const { CLOUD_TASKS_QUEUE: queue, CLOUD_TASKS_TARGET_URL: target } = e;
  const { CLOUD_TASKS_SERVICE_ACCOUNT: email } = e;
  if (queue === undefined || target === undefined || email === undefined)
    throw new BadConfig(
      Object.entries(required)
        .filter(([key]) => ({ ...e })[key] === undefined)
        .map(([key, what]) => `WAKE is cloud-tasks, and ${key} is not set. Set it to ${what}.`)
        .join(' '),
    );
  const targetUrl = withPath(target);
  return {
    ...{ queue, email, targetUrl },
    audience: e.CLOUD_TASKS_AUDIENCE ?? targetUrl,
    apiUrl: (e.CLOUD_TASKS_API_URL ?? 'https://cloudtasks.googleapis.com').replace(/\/+$/, ''),
    issuers: e.CLOUD_TASKS_ISSUER ?? ['https://accounts.google.com', 'accounts.google.com'],
    keysUrl: e.CLOUD_TASKS_JWKS_URL ?? 'https://www.googleapis.com/oauth2/v3/certs',
    credentials: await credentialsOf(e, folder),
  };
}

/** What a task asks for is worked on in one request, from the turn to the send, so one process must do all of it. */
export function demandWholeRoles(roles: readonly string[]): void {
  const parts = ['turn', 'activity', 'outbox'];
  const has = parts.filter((role) => roles.includes(role));
  if (has.length === 0 || has.length === parts.length) return;
  throw new BadConfig(
    `WAKE is cloud-tasks, and this process has the role ${has.join(' and ')} alone. A request of the queue is worked on from the turn to the send in one process: give it ${parts.join(', ')}, or none of them.`,
  );
}

function withPath(target: string): string {
  const url = new URL(target);
  return url.pathname === '/' ? `${url.origin}${wakePath}` : url.href;
}

async function credentialsOf(e: CloudTasksKeys, folder: string): Promise<Credentials> {
  const { GOOGLE_APPLICATION_CREDENTIALS: path, GCE_METADATA_HOST: host } = e;
  if (path === undefined) return { from: 'metadata', host: host ?? 'metadata.google.internal' };
  try {
    return { from: 'key', key: readKeyFile(await readFile(resolve(folder, path), 'utf8')) };
  } catch (error) {
    const why = error instanceof KnownError ? error.message : `The file ${path} cannot be read.`;
    throw new BadConfig(
      `GOOGLE_APPLICATION_CREDENTIALS cannot be used. ${why} Name the JSON key of a service account, or unset it where the machine itself has an identity.`,
    );
  }
}
