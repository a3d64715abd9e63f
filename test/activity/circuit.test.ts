import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { Circuits } from '#pipeline/activity/circuit.ts';
import { fakeWorld } from '#testing/fake-world.ts';

function open() {
  const world = fakeWorld(1);
  const circuits = new Circuits(world.nowMs);
  for (let i = 0; i < limits.circuitFailuresMax; i += 1) circuits.failed('a');
  return { world, circuits };
}

describe('a circuit', () => {
  test('opens after so many failures in a row, for its key alone', () => {
    const { circuits } = open();
    expect([circuits.allows('a'), circuits.allows('b')]).toEqual([false, true]);
  });

  test('a success among them closes it', () => {
    const circuits = new Circuits(() => 0);
    for (let i = 0; i < 50; i += 1) {
      circuits.failed('a');
      if (i % 5 === 4) circuits.succeeded('a');
    }
    expect(circuits.allows('a')).toBe(true);
  });

  test('after its pause lets one call try; its success closes, its failure opens anew', () => {
    const { world, circuits } = open();
    world.advance(limits.circuitOpenMs);
    expect([circuits.allows('a'), circuits.allows('a')]).toEqual([true, false]);
    circuits.failed('a');
    expect(circuits.allows('a')).toBe(false);
    world.advance(limits.circuitOpenMs);
    expect(circuits.allows('a')).toBe(true);
    circuits.succeeded('a');
    expect([circuits.allows('a'), circuits.allows('a')]).toEqual([true, true]);
  });

  test('a try that was cut off says nothing: the next one tries', () => {
    const { world, circuits } = open();
    world.advance(limits.circuitOpenMs);
    expect(circuits.allows('a')).toBe(true);
    circuits.cutOff('a');
    expect(circuits.allows('a')).toBe(true);
  });
});
