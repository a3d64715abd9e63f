/**
 * The look-alike of Google Cloud Tasks, v2 over REST, as far as a client that makes HTTP tasks uses it. Pure like the
 * others: requests, times and ends go in; answers and attempts come out.
 *
 *   POST   /v2/{queue}/tasks             makes a task; its name may be taken for an hour after use
 *   GET    /v2/{queue}/tasks, /{task}    lists, shows; DELETE /{task} deletes, POST /{task}:run has it attempted now
 *   GET    /v2/{queue}, POST :pause, :resume, :purge
 *   POST   /token, GET /computeMetadata/v1/instance/service-accounts/default/token   access tokens
 *   GET    /oauth2/v3/certs              the keys with which the tokens are signed that tasks bring
 *
 * Not imitated: App Engine targets, IAM, `responseView`, pages of lists. Source: cloud.google.com/tasks/docs/reference/rest/v2.
 */
import type { CallFault } from '../anthropic/model-settings.ts';
import { parseJson, readString } from '../control/json-reading.ts';
import { mergeSettings } from '../control/setting-merge.ts';
import { drawChance, drawChars, drawMs, type Random } from '../draw.ts';
import { createEventLog, type EventLog } from '../events-log.ts';
import { type HttpAnswer, jsonAnswer } from '../graph/graph-errors.ts';
import type { GraphRequest } from '../graph/graph-request.ts';
import { GoogleTokens, isTokenRequest } from './google-tokens.ts';
import { type AttemptEnd, type QueuedTask, TaskQueue } from './task-queue.ts';
import { BadTask, readTask } from './task-reading.ts';
import { defaultTasksSettings, type TasksSettings } from './tasks-settings.ts';

export type { AttemptEnd } from './task-queue.ts';

/** One request to a target, to be ended by `ended`. */
export interface TaskAttempt {
  readonly attemptId: string;
  readonly taskName: string;
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Whoever has not answered by then has failed. */
  readonly deadlineMs: number;
}

export type TasksOutcome = (
  | { readonly kind: 'response'; readonly response: HttpAnswer }
  | { readonly kind: 'lost' }
  | { readonly kind: 'hang' }
) & { readonly delayMs: number };

export interface TasksStats {
  created: number;
  attempts: number;
  done: number;
  givenUp: number;
  waiting: number;
  inFlight: number;
}

export const TASKS_PATH = /^\/(v2\/projects\/|token$|computeMetadata\/|oauth2\/)/;
const QUEUE =
  /^\/v2\/(projects\/[^/]+\/locations\/[^/]+\/queues\/[^/:]+)(?:\/tasks)?(?:\/([^/:]+))?(?::(\w+))?$/;
const METADATA = '/computeMetadata/v1/instance/service-accounts/default/token';
const ID_CHARS = '0123456789';

const refusal = (code: number, status: string, message: string): HttpAnswer =>
  jsonAnswer(code, { error: { code, message, status } });
const notFound = (message: string): HttpAnswer => refusal(404, 'NOT_FOUND', message);

export class CloudTasks {
  settings: TasksSettings = defaultTasksSettings();
  readonly tokens: GoogleTokens;
  readonly #random: Random;
  readonly #log: EventLog;
  readonly #queues = new Map<string, TaskQueue>();
  readonly #attempts = new Map<string, { queue: TaskQueue; task: QueuedTask }>();
  #counts = { created: 0, attempts: 0, done: 0, givenUp: 0 };
  #attemptsMade = 0;

  constructor(random: Random, log: EventLog) {
    this.#random = random;
    this.#log = log;
    this.tokens = new GoogleTokens(random);
  }

  set(patch: unknown): TasksSettings {
    const defaults = defaultTasksSettings();
    this.settings = structuredClone(
      mergeSettings({ current: this.settings, patch, defaults, path: 'tasks' }),
    );
    return this.settings;
  }

  clear(): TasksSettings {
    this.settings = defaultTasksSettings();
    return this.settings;
  }

  handle(request: GraphRequest, nowMs: number): TasksOutcome {
    const delayMs = drawMs(this.#random, this.settings.latencyMs);
    const answer = this.#answerAsGoogle(request, nowMs);
    if (answer !== null) return { kind: 'response', response: answer, delayMs };
    if (!this.tokens.isAccessGood(readString(request.headers.authorization), nowMs)) {
      const response = refusal(
        401,
        'UNAUTHENTICATED',
        'Request had invalid authentication credentials. Expected OAuth 2 access token.',
      );
      return { kind: 'response', response, delayMs };
    }
    if (this.#fires('hang')) return { kind: 'hang', delayMs };
    if (this.#fires('unavailable')) {
      const response = refusal(503, 'UNAVAILABLE', 'The service is currently unavailable.');
      return { kind: 'response', response, delayMs };
    }
    const response = this.#route(request, nowMs);
    return this.#fires('loseAnswer') ? { kind: 'lost', delayMs } : { kind: 'response', response, delayMs };
  }

  list(): QueuedTask[] {
    return [...this.#queues.values()].flatMap((queue) => queue.list());
  }

  stats(): TasksStats {
    const waiting = this.list().filter(({ inFlight }) => inFlight === 0).length;
    return { ...this.#counts, waiting, inFlight: this.#attempts.size };
  }

  nextDueAtMs(nowMs: number): number | null {
    const dues = [...this.#queues.values()].flatMap((queue) => queue.nextDueAtMs(nowMs) ?? []);
    return dues.length === 0 ? null : Math.min(...dues);
  }

  due(nowMs: number): TaskAttempt[] {
    return [...this.#queues.values()].flatMap((queue) =>
      queue.take(nowMs).map((task) => this.#attempt(queue, task, nowMs)),
    );
  }

  ended(attemptId: string, end: AttemptEnd, nowMs: number): void {
    const found = this.#attempts.get(attemptId);
    if (!found) return;
    this.#attempts.delete(attemptId);
    const { queue, task } = found;
    const wasLive = !task.isOver;
    const retryAtMs = queue.ended(task, end, nowMs);
    const isDone = end.status !== null && end.status >= 200 && end.status < 300;
    if (wasLive && retryAtMs === null) this.#counts[isDone ? 'done' : 'givenUp'] += 1;
    this.#log.add('taskAnswered', nowMs, { taskName: task.name, httpStatus: end.status, retryAtMs });
    if (isDone && this.#fires('duplicate'))
      queue.repeat(task, nowMs + drawMs(this.#random, this.settings.duplicate));
  }

  reset(options: { everything?: boolean } = {}): void {
    this.#queues.clear();
    this.#attempts.clear();
    this.#counts = { created: 0, attempts: 0, done: 0, givenUp: 0 };
    if (options.everything) this.clear();
  }

  /** Tokens and keys need no access token. */
  #answerAsGoogle(request: GraphRequest, nowMs: number): HttpAnswer | null {
    const { path, method } = request;
    if (path === '/oauth2/v3/certs') return jsonAnswer(200, this.tokens.keySet());
    if (path === '/token' && method === 'POST')
      return isTokenRequest(Buffer.from(request.body).toString('utf8'), nowMs)
        ? jsonAnswer(200, this.tokens.access(nowMs))
        : jsonAnswer(400, { error: 'invalid_grant', error_description: 'Invalid JWT.' });
    if (path === METADATA)
      return request.headers['metadata-flavor'] === 'Google'
        ? jsonAnswer(200, this.tokens.access(nowMs))
        : jsonAnswer(403, { error: 'Missing Metadata-Flavor:Google header.' });
    return path.startsWith('/v2/') ? null : notFound(`There is nothing at ${path}.`);
  }

  #route({ path, method, body }: GraphRequest, nowMs: number): HttpAnswer {
    const [, queueName = '', taskId, verb] = QUEUE.exec(path) ?? [];
    const queue = this.#queueOf(queueName);
    if (queue === null) return notFound('Queue does not exist.');
    const isTasks = path.includes(`${queueName}/tasks`);
    if (!isTasks) return this.#queueVerb(queue, method, verb, nowMs);
    if (taskId !== undefined)
      return this.#taskVerb(queue, `${queueName}/tasks/${taskId}`, verb ?? method, nowMs);
    if (method === 'GET') return jsonAnswer(200, { tasks: queue.list().map(shown) });
    return this.#create(queue, body, nowMs);
  }

  #queueOf(name: string): TaskQueue | null {
    const { queues } = this.settings;
    if (name === '' || (queues.length > 0 && !queues.includes(name))) return null;
    const queue = this.#queues.get(name) ?? new TaskQueue(name, () => this.settings);
    this.#queues.set(name, queue);
    return queue;
  }

  #queueVerb(queue: TaskQueue, method: string, verb: string | undefined, nowMs: number): HttpAnswer {
    if (verb === 'purge') queue.purge(nowMs);
    else if (verb === 'pause' || verb === 'resume') queue.isPaused = verb === 'pause';
    else if (method !== 'GET' || verb !== undefined) return notFound('Method not found.');
    const { rate, retry } = this.settings;
    return jsonAnswer(200, {
      ...{ name: queue.name, state: queue.isPaused ? 'PAUSED' : 'RUNNING' },
      rateLimits: {
        ...{ maxDispatchesPerSecond: rate.perSecond, maxBurstSize: rate.burst },
        maxConcurrentDispatches: rate.concurrentMax,
      },
      retryConfig: {
        ...{ maxAttempts: retry.attemptsMax, maxDoublings: retry.doublingsMax },
        ...{ minBackoff: `${retry.backoffMinMs / 1_000}s`, maxBackoff: `${retry.backoffMaxMs / 1_000}s` },
      },
    });
  }

  #taskVerb(queue: TaskQueue, name: string, verb: string, nowMs: number): HttpAnswer {
    const task = queue.get(name);
    if (!task) return notFound('The task no longer exists, though a task with this name existed recently.');
    if (verb === 'DELETE') {
      queue.delete(name, nowMs);
      return jsonAnswer(200, {});
    }
    if (verb === 'run') task.dueAtMs = nowMs;
    else if (verb !== 'GET') return notFound('Method not found.');
    return jsonAnswer(200, shown(task));
  }

  #create(queue: TaskQueue, body: GraphRequest['body'], nowMs: number): HttpAnswer {
    try {
      const wanted = readTask(parseJson(body), queue.name, nowMs);
      const name = wanted.name ?? `${queue.name}/tasks/${drawChars(this.#random, ID_CHARS, 20)}`;
      if (queue.isTaken(name, nowMs))
        return refusal(
          409,
          'ALREADY_EXISTS',
          'The task cannot be created because a task with this name existed too recently.',
        );
      const task = queue.add({ ...wanted, name }, nowMs, drawMs(this.#random, this.settings.dispatchMs));
      this.#counts.created += 1;
      const hint = Buffer.from(task.body).toString('utf8');
      this.#log.add('taskCreated', nowMs, { taskName: name, scheduleAtMs: task.scheduleAtMs, body: hint });
      return jsonAnswer(200, shown(task));
    } catch (error) {
      if (error instanceof BadTask) return refusal(400, 'INVALID_ARGUMENT', error.message);
      throw error;
    }
  }

  #attempt(queue: TaskQueue, task: QueuedTask, nowMs: number): TaskAttempt {
    this.#attemptsMade += 1;
    this.#counts.attempts += 1;
    const attemptId = `attempt-${this.#attemptsMade}`;
    this.#attempts.set(attemptId, { queue, task });
    this.#log.add('taskSent', nowMs, { taskName: task.name, attempt: task.dispatches });
    const { issuer } = this.settings;
    const token = task.oidc && this.tokens.identity({ ...task.oidc, issuer, nowMs });
    return {
      ...{ attemptId, taskName: task.name, url: task.url, method: task.method, body: task.body },
      deadlineMs: task.dispatchDeadlineMs,
      headers: {
        'content-type': 'application/octet-stream',
        ...task.headers,
        'user-agent': 'Google-Cloud-Tasks',
        'x-cloudtasks-queuename': queue.name.split('/').at(-1) ?? '',
        'x-cloudtasks-taskname': task.name.split('/').at(-1) ?? '',
        'x-cloudtasks-taskretrycount': String(task.dispatches - 1),
        'x-cloudtasks-taskexecutioncount': String(task.responses),
        'x-cloudtasks-tasketa': (task.scheduleAtMs / 1_000).toFixed(6),
        ...(task.lastStatus === null ? {} : { 'x-cloudtasks-taskpreviousresponse': String(task.lastStatus) }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
    };
  }

  #fires(name: 'unavailable' | 'hang' | 'loseAnswer' | 'duplicate'): boolean {
    const fault: CallFault = this.settings[name];
    const isNext = fault.next > 0;
    if (isNext) fault.next -= 1;
    const fired = isNext || drawChance(this.#random, fault.rate);
    if (fired) this.#log.count(`fault.tasks.${name}`);
    return fired;
  }
}

function shown(task: QueuedTask) {
  return {
    name: task.name,
    httpRequest: { url: task.url, httpMethod: task.method, headers: task.headers },
    scheduleTime: new Date(task.scheduleAtMs).toISOString(),
    createTime: new Date(task.createdAtMs).toISOString(),
    dispatchDeadline: `${task.dispatchDeadlineMs / 1_000}s`,
    dispatchCount: task.dispatches,
    responseCount: task.responses,
    view: 'BASIC',
  };
}

export function createCloudTasks({
  random,
  log = createEventLog(),
}: {
  random: Random;
  log?: EventLog;
}): CloudTasks {
  return new CloudTasks(random, log);
}
