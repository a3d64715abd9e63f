/**
 * A circuit breaker per model and tenant: after several failures in a row, calls fail at once for a while, so that
 * customers get the fallback text now and not after ten seconds each. One call then tries whether the model is back.
 */
import { limits } from '#core/limits.ts';

interface Circuit {
  failures: number;
  openUntilMs: number;
  probing: boolean;
}

export class Circuits {
  readonly #circuits = new Map<string, Circuit>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether a call may be made; while open, one call at a time after the pause. */
  allows(key: string): boolean {
    const circuit = this.#circuits.get(key);
    if (circuit === undefined || circuit.failures < limits.circuitFailuresMax) return true;
    if (this.#nowMs() < circuit.openUntilMs || circuit.probing) return false;
    circuit.probing = true;
    return true;
  }

  succeeded(key: string): void {
    this.#circuits.delete(key);
  }

  failed(key: string): void {
    const circuit = this.#circuits.get(key) ?? { failures: 0, openUntilMs: 0, probing: false };
    circuit.failures += 1;
    circuit.probing = false;
    circuit.openUntilMs = this.#nowMs() + limits.circuitOpenMs;
    this.#circuits.set(key, circuit);
  }

  /** A call that was cut off says nothing about the model, except that it may be tried again. */
  cutOff(key: string): void {
    const circuit = this.#circuits.get(key);
    if (circuit !== undefined) circuit.probing = false;
  }
}
