import { describe, expect, test } from 'vitest';
import { HttpFault } from '#core/ports/world.ts';
import { createVirtualWorld, type VirtualAnswer } from '#testing/virtual-world.ts';

const get = (url: string, more: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  ({ purpose: null, method: 'GET', url, headers: {}, timeoutMs: 1_000, ...more }) as const;

describe('time', () => {
  test('timers fire in the order of time, and of setting within one; a cancelled one never', async () => {
    const world = createVirtualWorld({ seed: 1 });
    const fired: string[] = [];
    world.timers.after(20, () => fired.push('c'));
    world.timers.after(10, () => fired.push('a'));
    world.timers.after(10, () => fired.push('b'));
    world.timers.after(15, () => fired.push('never'))();
    await world.advance(19);
    expect([fired, world.waiting]).toEqual([['a', 'b'], 1]);
    await world.advance(1);
    expect(fired).toEqual(['a', 'b', 'c']);
  });

  test('soon comes after all that is due and all promises, at the same time', async () => {
    const world = createVirtualWorld({ seed: 1 });
    const startMs = world.nowMs();
    const order: string[] = [];
    world.timers.after(5, () => {
      world.timers.soon(() => order.push(`soon at ${world.nowMs() - startMs}`));
      void (async () => {
        for (let i = 0; i < 1_000; i += 1) await null;
        order.push('a thousand promises later');
      })();
    });
    world.timers.after(5, () => order.push('second timer'));
    await world.advance(5);
    expect(order).toEqual(['a thousand promises later', 'second timer', 'soon at 5']);
  });

  test('a timer for now waits a millisecond, so nothing can spin while time stands still', async () => {
    const world = createVirtualWorld({ seed: 1 });
    let turns = 0;
    const spin = () => {
      turns += 1;
      world.timers.after(0, spin);
    };
    spin();
    await world.advance(100);
    expect(turns).toBe(101);
  });

  test('runUntil stops at the first moment at which its condition holds, or says what did not happen', async () => {
    const world = createVirtualWorld({ seed: 1 });
    const startMs = world.nowMs();
    let done = false;
    world.timers.after(70, () => {
      done = true;
    });
    await world.runUntil(() => done, 1_000);
    expect(world.nowMs() - startMs).toBe(70);
    await expect(world.runUntil(() => !done, 1_000)).rejects.toThrow('did not happen in 1000 ms');
  });

  test('a pause makes timers late; a step of the clock moves no timer', async () => {
    const world = createVirtualWorld({ seed: 1 });
    const startMs = world.nowMs();
    const firedAtMs: number[] = [];
    world.timers.after(10, () => firedAtMs.push(world.nowMs() - startMs));
    world.pause(500);
    world.stepClock(-3_600_000);
    await world.settle();
    expect(firedAtMs).toEqual([500]);
    expect(world.clock.nowMs()).toBe(startMs + 500 - 3_600_000);
    expect(world.clock.monotonicMs()).toBe(500);
  });
});

test('the same seed gives the same chance, another one another', () => {
  const draw = (seed: number) => Array.from({ length: 5 }, createVirtualWorld({ seed }).random);
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});

describe('requests', () => {
  const outcomes: [string, VirtualAnswer | null, unknown][] = [
    ['an answer', { kind: 'response', response: { status: 200, headers: {}, body: 'x' }, delayMs: 30 }, 'x'],
    ['a lost one', { kind: 'lost', delayMs: 5 }, ['uncertain', 'ECONNRESET']],
    ['a broken one', { kind: 'lostAfterHeaders', stallMs: 5, delayMs: 5 }, ['uncertain', 'ECONNRESET']],
    ['none at all', { kind: 'hang', delayMs: 0 }, ['uncertain', 'TIMEOUT']],
    ['one that never left', { kind: 'notSent', code: 'ENOTFOUND', delayMs: 0 }, ['notSent', 'ENOTFOUND']],
    ['nobody there', null, ['notSent', 'ECONNREFUSED']],
  ];
  test.each(outcomes)('%s', async (_what, answer, expected) => {
    const world = createVirtualWorld({ seed: 1 });
    if (answer !== null) world.serve('http://there.test', () => answer);
    let got: unknown;
    world.http.request(get('http://there.test/x')).then(
      (response) => {
        got = response.body;
      },
      (fault: HttpFault) => {
        got = [fault.phase, fault.code];
      },
    );
    await world.advance(1_000);
    expect(got).toEqual(expected);
  });

  test('end at once with their signal', async () => {
    const world = createVirtualWorld({ seed: 1 });
    world.serve('http://there.test', () => ({ kind: 'hang', delayMs: 0 }));
    const abort = new AbortController();
    const request = world.http.request(get('http://there.test/x', { signal: abort.signal }));
    abort.abort();
    await expect(request).rejects.toBeInstanceOf(HttpFault);
    expect(world.waiting).toBe(0);
  });
});

test('of a killed process nothing happens any more, and the others go on', async () => {
  const world = createVirtualWorld({ seed: 1 });
  world.serve('http://there.test', () => ({
    kind: 'response',
    response: { status: 200, headers: {}, body: '' },
    delayMs: 10,
  }));
  const [one, other] = [world.process(), world.process()];
  const done: string[] = [];
  for (const [name, process] of [
    ['one', one],
    ['other', other],
  ] as const) {
    process.timers.after(10, () => done.push(`timer of ${name}`));
    process.timers.soon(() => done.push(`soon of ${name}`));
    void process.http.request(get('http://there.test/x')).then(() => done.push(`answer of ${name}`));
  }
  one.kill();
  await world.advance(100);
  expect(done.sort()).toEqual(['answer of other', 'soon of other', 'timer of other']);
});
