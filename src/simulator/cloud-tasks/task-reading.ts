/**
 * Reading a task as Google's API does: what it refuses, and in which words.
 * Source: cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks.
 */
import { readObject, readString } from '../control/json-reading.ts';

export interface WantedTask {
  /** Whole, or null where the caller names none. */
  name: string | null;
  scheduleAtMs: number;
  dispatchDeadlineMs: number;
  url: string;
  method: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  oidc: { email: string; audience: string } | null;
}

const HORIZON_MS = 30 * 24 * 3_600_000;
const TASK_BYTES_MAX = 100 * 1024;
const DEADLINE_MS = { usual: 600_000, min: 15_000, max: 1_800_000 };
const TASK_ID = /^[\w-]{1,500}$/;

/** What is wrong with the request; the API answers INVALID_ARGUMENT. */
export class BadTask extends Error {}

export function readTask(given: unknown, queue: string, nowMs: number): WantedTask {
  const task = readObject(readObject(given)?.task);
  const http = readObject(task?.httpRequest);
  if (!task || !http) throw new BadTask('The task must have an httpRequest.');
  const url = readString(http.url) ?? '';
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new BadTask('HttpRequest.url must be a valid URL.');
  const body = Buffer.from(readString(http.body) ?? '', 'base64');
  if (JSON.stringify(task).length > TASK_BYTES_MAX) throw new BadTask('Task size too large.');
  const oidc = readObject(http.oidcToken);
  const email = readString(oidc?.serviceAccountEmail);
  if (oidc && email === undefined) throw new BadTask('OidcToken.service_account_email must be set.');
  return {
    name: nameIn(task.name, queue),
    scheduleAtMs: scheduleIn(task.scheduleTime, nowMs),
    dispatchDeadlineMs: deadlineIn(task.dispatchDeadline),
    url,
    method: readString(http.httpMethod) ?? 'POST',
    headers: Object.fromEntries(
      Object.entries(readObject(http.headers) ?? {}).map(([name, value]) => [
        name.toLowerCase(),
        String(value),
      ]),
    ),
    body,
    oidc: email === undefined ? null : { email, audience: readString(oidc?.audience) ?? url },
  };
}

function nameIn(given: unknown, queue: string): string | null {
  const name = readString(given);
  if (name === undefined) return null;
  const prefix = `${queue}/tasks/`;
  if (name.startsWith(prefix) && TASK_ID.test(name.slice(prefix.length))) return name;
  throw new BadTask(`Task name must be formatted: "${prefix}<TASK_ID>".`);
}

function scheduleIn(given: unknown, nowMs: number): number {
  if (given === undefined) return nowMs;
  const atMs = Date.parse(readString(given) ?? '');
  if (Number.isNaN(atMs)) throw new BadTask('Invalid value at "task.schedule_time".');
  if (atMs > nowMs + HORIZON_MS) throw new BadTask('The schedule_time is more than 30 days in the future.');
  return Math.max(nowMs, atMs);
}

function deadlineIn(given: unknown): number {
  if (given === undefined) return DEADLINE_MS.usual;
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(readString(given) ?? '')?.[1];
  const ms = Number(seconds) * 1_000;
  if (ms >= DEADLINE_MS.min && ms <= DEADLINE_MS.max) return ms;
  throw new BadTask('The dispatch_deadline must be between 15s and 30m.');
}
