/**
 * The one method of Google's API that is needed: make a task. An answer that says "later", or none at all, is tried again a
 * few times at once, because somebody waits; a task that was made twice that way only looks twice. A name that is taken
 * means that the task was made before, by whomever.
 * Source: cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks/create.
 * To add a field of a task, add it to `TaskToMake` and to `bodyOf`.
 */
import { limits } from '#core/limits.ts';
import { KnownError } from '#core/model/faults.ts';
import { backoffMs } from '#core/pacing/backoff.ts';
import type { HttpResponse, World } from '#core/ports/world.ts';
import type { AccessTokens } from './access-token.ts';

export interface TasksApiOptions {
  world: Pick<World, 'clock' | 'timers' | 'random' | 'http'>;
  tokens: AccessTokens;
  /** Without a path. */
  apiUrl: string;
  /** `projects/P/locations/L/queues/Q`. */
  queue: string;
  /** Whose token the task brings to the door, and for which audience. */
  email: string;
  audience: string;
  /** The door. */
  targetUrl: string;
}

export interface TaskToMake {
  body: string;
  /** Without one the task has none of ours, which is quicker. */
  name?: string;
  atMs?: number;
}

/** No task was made, as far as is known. */
export class TaskNotMade extends KnownError {
  override readonly name = 'TaskNotMade';
}

const alreadyExists = 409;
/** Too many, or nobody there: by Google's own words to be tried again. */
const passing = new Set([408, 429, 500, 502, 503, 504]);

export class TasksApi {
  readonly #options: TasksApiOptions;

  constructor(options: TasksApiOptions) {
    this.#options = options;
  }

  /** `known`: a task of this name was made before. @throws KnownError where none could be made. */
  async make(task: TaskToMake): Promise<'made' | 'known'> {
    const { world, tokens } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const token = await tokens.get();
      const answer = await this.#post(task, token);
      if (answer?.status === 200) return 'made';
      if (answer?.status === alreadyExists && task.name !== undefined) return 'known';
      if (answer?.status === 401) tokens.forget();
      const mayPass = answer === null || answer.status === 401 || passing.has(answer.status);
      if (!mayPass || attempt >= limits.taskCreateAttemptsMax) throw notMade(this.#options.queue, answer);
      const bounds = { baseMs: limits.storeRetryBaseMs, maxMs: limits.storeRetryMaxMs };
      const waitMs = backoffMs({ failures: attempt, ...bounds }, world.random);
      await new Promise<void>((resolve) => world.timers.after(waitMs, resolve));
    }
  }

  async #post(task: TaskToMake, token: string): Promise<HttpResponse | null> {
    const { world, apiUrl, queue } = this.#options;
    return world.http
      .request({
        purpose: null,
        method: 'POST',
        url: `${apiUrl}/v2/${queue}/tasks`,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ task: this.#bodyOf(task) }),
        timeoutMs: limits.taskCreateTimeoutMs,
      })
      .catch(() => null);
  }

  #bodyOf({ body, name, atMs }: TaskToMake) {
    const { queue, targetUrl, email, audience } = this.#options;
    return {
      ...(name === undefined ? {} : { name: `${queue}/tasks/${name}` }),
      ...(atMs === undefined ? {} : { scheduleTime: new Date(atMs).toISOString() }),
      dispatchDeadline: `${limits.taskDeadlineMs / 1_000}s`,
      httpRequest: {
        url: targetUrl,
        httpMethod: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: Buffer.from(body, 'utf8').toString('base64'),
        oidcToken: { serviceAccountEmail: email, audience },
      },
    };
  }
}

/** Google's own words about a refusal name the missing permission or the queue, and nothing that a customer wrote. */
function notMade(queue: string, answer: HttpResponse | null): TaskNotMade {
  const said = answer === null ? 'no answer' : `HTTP ${answer.status}${reasonIn(answer.body)}`;
  return new TaskNotMade(
    `No task could be made in ${queue}: ${said}. Messages are stored; Meta sends them again, and the sweep finds what waits. Look at the queue, and at the role Cloud Tasks Enqueuer of this service.`,
  );
}

function reasonIn(body: string): string {
  const status = /"status"\s*:\s*"([A-Z_]{2,40})"/.exec(body)?.[1];
  return status === undefined ? '' : ` ${status}`;
}
