/**
 * The look-alikes of an image provider and of a checkout in a virtual world, each at its own address, and the payment
 * events on their way to whoever is served at the address that was set.
 */
import type { HttpRequest } from '#core/ports/world.ts';
import type { CheckoutDesk, GraphRequest, Images, WebhookAttempt } from '#simulator/index.ts';
import type { VirtualAnswer, VirtualWorld } from '../virtual-world.ts';

export const imagesUrl = 'http://images.test';
export const checkoutUrl = 'http://checkout.test';

const eventTimeoutMs = 10_000;

export interface ProvidersOptions {
  world: VirtualWorld;
  images: Images;
  checkout: CheckoutDesk;
}

export class Providers {
  readonly #options: ProvidersOptions;
  #alarm: { atMs: number; cancel: () => void } | null = null;

  constructor(options: ProvidersOptions) {
    this.#options = options;
    const { world, images, checkout } = options;
    world.serve(imagesUrl, (request, nowMs): VirtualAnswer => {
      const outcome = images.handle(requestOf(request), nowMs);
      const { callId } = outcome;
      const end = (how: 'answered' | 'lost' | 'aborted') => images.ended(callId, how, world.nowMs());
      if (outcome.kind === 'hang') {
        // Whoever asked gives up at last, and the provider sees the connection close.
        request.signal?.addEventListener('abort', () => end('aborted'), { once: true });
        world.timers.after(request.timeoutMs, () => end('aborted'));
      } else world.timers.after(outcome.delayMs, () => end(outcome.kind === 'lost' ? 'lost' : 'answered'));
      return outcome;
    });
    world.serve(checkoutUrl, (request, nowMs): VirtualAnswer => {
      const outcome = checkout.handle(requestOf(request), nowMs);
      this.pump();
      return outcome;
    });
  }

  /** To be called after everything that makes the checkout do something. */
  pump(): void {
    const { world, checkout } = this.#options;
    const dueAtMs = checkout.nextDueAtMs();
    if (dueAtMs === null) return;
    const atMs = Math.max(dueAtMs, world.nowMs());
    if (this.#alarm !== null && this.#alarm.atMs <= atMs) return;
    this.#alarm?.cancel();
    const cancel = world.timers.after(atMs - world.nowMs(), () => {
      this.#alarm = null;
      for (const event of checkout.due(world.nowMs())) void this.#tell(event);
      this.pump();
    });
    this.#alarm = { atMs, cancel };
  }

  async #tell({ deliveryId, url, headers, body }: WebhookAttempt): Promise<void> {
    const { world, checkout } = this.#options;
    const request: HttpRequest = {
      ...{ purpose: null, method: 'POST' as const, url, body, timeoutMs: eventTimeoutMs },
      headers: { ...headers },
    };
    const end = await world.http.request(request).then(
      ({ status }) => ({ status }),
      () => ({ failed: true as const }),
    );
    checkout.eventAnswered(deliveryId, end, world.nowMs());
    this.pump();
  }
}

function requestOf({ method, url, headers, body = '' }: HttpRequest): GraphRequest {
  const { pathname, searchParams } = new URL(url);
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const query = Object.fromEntries(searchParams);
  return { method, path: pathname, query, headers: Object.fromEntries(lowered), body };
}
