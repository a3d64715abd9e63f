/**
 * Whether tasks can be made and could come back: an access token, the queue, the keys of the issuer. What only Google can
 * tell, whether the service account's token reaches our door, is seen by the first task.
 */
import { KnownError } from '#core/model/faults.ts';
import type { HttpResponse } from '#core/ports/world.ts';
import type { CloudTasksOptions } from '#wake/cloud-tasks/index.ts';
import type { Finding, Patient } from './finding.ts';

type Asked = Pick<Patient, 'world'> & { options: CloudTasksOptions };

const askTimeoutMs = 10_000;

/** Nothing where wakes are no tasks. */
export async function examineTasks({ config, world }: Patient): Promise<Finding[]> {
  if (config.wake.driver !== 'cloud-tasks') return [];
  const asked = { world, options: config.wake.options };
  return [await examineQueue(asked), await examineKeys(asked)];
}

async function examineQueue({ world, options }: Asked): Promise<Finding> {
  const check = 'task queue';
  const { AccessTokens } = await import('#wake/cloud-tasks/access-token.ts');
  let token: string;
  try {
    token = await new AccessTokens(world, options.credentials).get();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return { check, status: 'fail', says: error.message, todo: 'Mend the credentials; see docs/queues.md.' };
  }
  const { apiUrl, queue } = options;
  const answer = await get({ world, options }, `${apiUrl}/v2/${queue}`, `Bearer ${token}`);
  if (answer?.status === 403)
    return {
      check,
      status: 'ok',
      says: `An access token can be had. The queue ${queue} cannot be looked at, for which making tasks needs no right.`,
    };
  if (answer?.status !== 200)
    return {
      check,
      status: 'fail',
      says: `The queue ${queue} cannot be found (${answer === null ? 'no answer' : `HTTP ${answer.status}`}), so no conversation can be woken.`,
      todo: 'Create it, or correct CLOUD_TASKS_QUEUE.',
    };
  if (/"state"\s*:\s*"PAUSED"/.test(answer.body))
    return {
      check,
      status: 'warn',
      says: `The queue ${queue} is paused: messages are taken and nobody is answered.`,
      todo: 'Resume it: gcloud tasks queues resume QUEUE --location=LOCATION.',
    };
  return { check, status: 'ok', says: `An access token can be had, and the queue ${queue} is there.` };
}

async function examineKeys(asked: Asked): Promise<Finding> {
  const check = 'keys of the task tokens';
  const { keysUrl } = asked.options;
  const { host } = new URL(keysUrl);
  const answer = await get(asked, keysUrl);
  if (answer?.status === 200 && answer.body.includes('"keys"'))
    return { check, status: 'ok', says: `${host} shows the keys with which tokens of tasks are signed.` };
  return {
    check,
    status: 'fail',
    says: `${host} shows no keys (${answer === null ? 'no answer' : `HTTP ${answer.status}`}), so no task can be let in.`,
    todo: 'Unset CLOUD_TASKS_JWKS_URL for the keys of Google, and let the machine reach that host.',
  };
}

function get({ world }: Asked, url: string, authorization?: string): Promise<HttpResponse | null> {
  const headers = { accept: 'application/json', ...(authorization && { authorization }) };
  return world.http
    .request({ purpose: 'doctor', method: 'GET', url, headers, timeoutMs: askTimeoutMs })
    .catch(() => null);
}
