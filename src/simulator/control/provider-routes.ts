/** The control API's routes for the look-alikes of providers besides the model: images, checkout and the task queue. */
import type { CheckoutDesk } from '../checkout/checkout.ts';
import type { CloudTasks } from '../cloud-tasks/tasks.ts';
import type { Images } from '../images/images.ts';
import type { Route } from './control.ts';
import { readObject, readString } from './json-reading.ts';
import { ControlError } from './setting-merge.ts';

function idIn(body: unknown): string {
  const id = readString(readObject(body)?.id);
  if (id === undefined) throw new ControlError('Name the checkout: { "id": "cs_test_..." }.');
  return id;
}

export function imageRoutes(images: Images): Record<string, Route> {
  const shown = () => ({ settings: images.settings, stats: images.stats() });
  return {
    'GET /images': shown,
    'POST /images': (call) => {
      images.set(call.body);
      return shown();
    },
    'DELETE /images': () => {
      images.clear();
      return shown();
    },
    'GET /images/charges': () => ({ charges: images.charges }),
  };
}

export function checkoutRoutes(checkout: CheckoutDesk): Record<string, Route> {
  const shown = () => ({ settings: checkout.settings, stats: checkout.stats() });
  return {
    'GET /checkout': shown,
    'POST /checkout': (call) => {
      checkout.set(call.body);
      return shown();
    },
    'DELETE /checkout': () => {
      checkout.clear();
      return shown();
    },
    'GET /checkout/list': () => ({ checkouts: checkout.list() }),
    'POST /checkout/pay': (call) => ({ checkout: checkout.pay(idIn(call.body), call.nowMs) }),
    'POST /checkout/decline': (call) => ({ checkout: checkout.decline(idIn(call.body), call.nowMs) }),
    'POST /checkout/expire': (call) => ({ checkout: checkout.expire(idIn(call.body), call.nowMs) }),
    'POST /checkout/retry': (call) => ({ retried: checkout.retryNow(call.nowMs) }),
  };
}

export function taskRoutes(tasks: CloudTasks): Record<string, Route> {
  const shown = () => ({ settings: tasks.settings, stats: tasks.stats() });
  return {
    'GET /tasks': shown,
    'POST /tasks': (call) => {
      tasks.set(call.body);
      return shown();
    },
    'DELETE /tasks': () => {
      tasks.clear();
      return shown();
    },
    'GET /tasks/list': () => ({
      tasks: tasks.list().map(({ name, url, scheduleAtMs, dueAtMs, dispatches, lastStatus, body }) => ({
        ...{ name, url, scheduleAtMs, dueAtMs, dispatches, lastStatus },
        body: Buffer.from(body).toString('utf8'),
      })),
    }),
    'POST /tasks/rotate': (call) => {
      const withdraw = readObject(call.body)?.withdraw === true;
      return { keyId: tasks.tokens.rotate({ withdraw }).id };
    },
  };
}
