import { expect, test } from 'vitest';
import { RoundRobin } from '#pipeline/activity/round-robin.ts';

const drain = (queue: RoundRobin<string>, mayTake: (tenantId: string) => boolean = () => true) => {
  const taken: string[] = [];
  for (let item = queue.next(mayTake); item !== undefined; item = queue.next(mayTake)) taken.push(item);
  return taken;
};

test('tenants are served in turns, each in its own order', () => {
  const queue = new RoundRobin<string>();
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(item[0]!, item);
  expect(drain(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  expect(queue.size).toBe(0);
});

test('a tenant that may not go on stops nobody and loses nothing', () => {
  const queue = new RoundRobin<string>();
  for (const item of ['a1', 'a2', 'b1']) queue.push(item[0]!, item);
  expect(drain(queue, (tenantId) => tenantId !== 'a')).toEqual(['b1']);
  expect(queue.size).toBe(2);
  expect(drain(queue)).toEqual(['a1', 'a2']);
});
