/**
 * Read receipts with the typing sign: shown at once when work starts, best effort. They take a slot of their number
 * only where there is room to spare, are never stored, never retried, and the oldest is dropped where many wait.
 */
import { limits } from '#core/limits.ts';
import type { PaceRules, Store } from '#core/ports/store.ts';
import type { Telemetry } from '#core/ports/telemetry.ts';

export interface Receipt {
  tenantId: string;
  conversationId: string;
  phoneNumberId: string;
  wamid: string;
  typing: boolean;
}

export interface ReceiptDeps {
  store: Pick<Store, 'grantReceipt'>;
  telemetry: Telemetry;
  nowMs(): number;
  rulesOf(tenantId: string, phoneNumberId: string): PaceRules;
  isBusy(tenantId: string, phoneNumberId: string): boolean;
  /** True where Graph took it. */
  transmit(receipt: Receipt): Promise<boolean>;
}

/** Receipts on the wire at once: they must not take the sockets of answers. */
const inFlightMax = 32;

export class Receipts {
  readonly #deps: ReceiptDeps;
  /** By conversation: only the newest message needs marking, it marks the earlier ones too. */
  readonly #waiting = new Map<string, Receipt>();
  #inFlight = 0;
  #stopped = false;

  constructor(deps: ReceiptDeps) {
    this.#deps = deps;
  }

  show(receipt: Receipt): void {
    if (this.#stopped) return;
    const key = `${receipt.tenantId}\n${receipt.conversationId}`;
    this.#waiting.delete(key);
    this.#waiting.set(key, receipt);
    if (this.#waiting.size > limits.receiptsWaitingMax) this.#drop();
    this.#pump();
  }

  #drop(): void {
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined) this.#waiting.delete(oldest);
    this.#deps.telemetry.count('nightdesk_receipts_total', { result: 'dropped' });
  }

  #pump(): void {
    while (!this.#stopped && this.#inFlight < inFlightMax) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      this.#waiting.delete(first[0]);
      this.#inFlight += 1;
      void this.#send(first[1]).then((result) => {
        this.#inFlight -= 1;
        this.#deps.telemetry.count('nightdesk_receipts_total', { result });
        this.#pump();
      });
    }
  }

  async #send(receipt: Receipt): Promise<'sent' | 'failed' | 'dropped'> {
    const { store, nowMs, rulesOf, isBusy, transmit } = this.#deps;
    const { tenantId, phoneNumberId } = receipt;
    try {
      if (isBusy(tenantId, phoneNumberId)) return 'dropped';
      const granted = await store.grantReceipt({
        tenantId,
        phoneNumberId,
        rules: rulesOf(tenantId, phoneNumberId),
        nowMs: nowMs(),
      });
      if (!granted) return 'dropped';
      return (await transmit(receipt)) ? 'sent' : 'failed';
    } catch {
      return 'failed';
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
  }
}
