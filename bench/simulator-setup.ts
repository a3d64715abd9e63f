/**
 * How the look-alike of Meta and of a model is set up wherever it is measured or measured with, so that figures of the
 * simulator alone are of the very simulator that the contestants meet.
 */
import type { ContactSpec, SimulatorOptions, SimulatorSetup } from '#simulator/index.ts';
import { appSecret, type BusinessNumber } from './contestants.ts';

/** Wall time with a fraction. */
export const nowMs = () => performance.timeOrigin + performance.now();

export const simulatorOptions: SimulatorOptions = {
  world: { nowMs, setTimer, random: Math.random },
  // Statuses take connections too, and must not wait behind messages.
  webhookConcurrencyMax: 128,
  model: { latencyMs: { minMs: 0, maxMs: 0 } },
};

export function setupOf(numbers: readonly BusinessNumber[], sendsPerSecondMax: number): SimulatorSetup {
  return {
    appSecret,
    verifyToken: 'verify',
    accessTokens: ['token'],
    phoneNumbers: numbers.map((number) => ({ ...number, throughputPerSecond: sendsPerSecondMax })),
    timings: {
      sentMs: { minMs: 5, maxMs: 50 },
      deliveredMs: { minMs: 10, maxMs: 100 },
      readMs: { minMs: 20, maxMs: 200 },
    },
  };
}

export const contactSpecOf = (index: number) =>
  ({
    phone: `1650${String(index).padStart(7, '0')}`,
    name: `Customer ${index}`,
    userId: `US.${String(index).padStart(12, '0')}`,
  }) satisfies ContactSpec;

function setTimer(delayMs: number, fn: () => void): () => void {
  const handle = setTimeout(fn, delayMs);
  return () => clearTimeout(handle);
}
