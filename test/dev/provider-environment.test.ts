/** Which providers a bot under `nightdesk dev` is given: look-alikes, or those that a person has set, never half of each. */
import { expect, test } from 'vitest';
import { providerEnvironment } from '../../src/surface/cli/dev/provider-environment.ts';

const url = 'http://127.0.0.1:4000';

test('look-alikes stand in where nothing is set', () => {
  const given = providerEnvironment({ IMAGES_API_KEY: '' }, url);
  expect(given).toMatchObject({ IMAGES_BASE_URL: `${url}/v1`, CHECKOUT_BASE_URL: url });
  expect(given.IMAGES_API_KEY).toBeTruthy();
  expect(given.IMAGES_PRICE_MICROS).toBe('40000');
  expect(given.CHECKOUT_API_KEY).toBeTruthy();
});

test.each([
  ['IMAGES_API_KEY', 'CHECKOUT'],
  ['IMAGES_BASE_URL', 'CHECKOUT'],
  ['CHECKOUT_API_KEY', 'IMAGES'],
  ['CHECKOUT_BASE_URL', 'IMAGES'],
])('with %s of a person, only %s is made up', (name, madeUp) => {
  const names = Object.keys(providerEnvironment({ [name]: 'own' }, url));
  expect(names.length).toBeGreaterThan(0);
  expect(names.every((each) => each.startsWith(madeUp))).toBe(true);
});
