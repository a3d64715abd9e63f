/**
 * The providers that a bot may call, as the child's environment names them: one that draws, in the shape of OpenAI's, and
 * one that takes money, in the shape of Stripe's. Where a person has set neither key nor address, the look-alikes stand in,
 * with made-up keys, so that a whole purchase can be played without signing up anywhere. To offer another look-alike, add its names.
 */
import { defaultImageSettings } from '#simulator/images/images.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const microsPerCent = 10_000;
const madeUpKey = 'made-up-key-of-nightdesk-dev';

export function providerEnvironment(env: Environment, simulatorUrl: string): Record<string, string> {
  const isOwn = (...names: string[]): boolean => names.some((name) => Boolean(env[name]));
  const images = {
    IMAGES_BASE_URL: `${simulatorUrl}/v1`,
    IMAGES_API_KEY: madeUpKey,
    IMAGES_HONOUR_KEYS: 'yes',
    IMAGES_PRICE_MICROS: String(defaultImageSettings().priceCents * microsPerCent),
  };
  const checkout = { CHECKOUT_BASE_URL: simulatorUrl, CHECKOUT_API_KEY: madeUpKey };
  return {
    ...(isOwn('IMAGES_BASE_URL', 'IMAGES_API_KEY') ? {} : images),
    ...(isOwn('CHECKOUT_BASE_URL', 'CHECKOUT_API_KEY') ? {} : checkout),
  };
}
