/**
 * Carrying out the attempts of tasks for real: one request each, given up at the task's own deadline, as by Cloud Tasks. How
 * many are under way is the queue's affair.
 */
import http from 'node:http';
import https from 'node:https';
import type { SetTimer } from '../webhooks/webhook-poster.ts';
import type { AttemptEnd, TaskAttempt } from './tasks.ts';

export interface TaskPoster {
  post(attempt: TaskAttempt, done: (end: AttemptEnd) => void): void;
  close(): void;
}

export function createTaskPoster(setTimer: SetTimer): TaskPoster {
  const plain = new http.Agent({ keepAlive: true, scheduling: 'lifo' });
  const secure = new https.Agent({ keepAlive: true, scheduling: 'lifo' });
  let isClosed = false;
  return {
    post({ url, method, headers, body, deadlineMs }, done) {
      let isDone = false;
      const finish = (end: AttemptEnd): void => {
        if (isDone) return;
        isDone = true;
        cancelTimer();
        if (!isClosed) done(end);
      };
      const isSecure = url.startsWith('https:');
      const outgoing = (isSecure ? https : http).request(url, {
        ...{ method, agent: isSecure ? secure : plain },
        headers: { ...headers, 'content-length': String(body.length) },
      });
      const cancelTimer = setTimer(deadlineMs, () => {
        outgoing.destroy();
        finish({ status: null });
      });
      outgoing.on('error', () => finish({ status: null }));
      outgoing.on('response', (incoming) => {
        const { statusCode = 0 } = incoming;
        const seconds = Number(incoming.headers['retry-after']);
        incoming.resume();
        incoming.on('end', () =>
          finish({ status: statusCode, ...(seconds > 0 && { retryAfterMs: seconds * 1_000 }) }),
        );
        incoming.on('close', () => finish({ status: null }));
      });
      outgoing.end(body);
    },
    close() {
      isClosed = true;
      plain.destroy();
      secure.destroy();
    },
  };
}
