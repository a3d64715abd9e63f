/** Configuration that cannot be used is refused by the name of its key; its value may be a secret that went astray. */
import { describe, expect, test } from 'vitest';
import { readConfig } from '#runtime/config.ts';
import { openSecrets } from '#runtime/world/secrets.ts';
import { exitCodeOf, explain } from '#surface/cli/exit-codes.ts';
import { found, secrets } from './canaries.ts';

const { databasePassword, secretKey, accessToken, apiKey, appSecret, metricsToken } = secrets;

/** Every secret of an operator, so that one could be told in the place of another. */
const environment = {
  WHATSAPP_APP_SECRET: appSecret,
  WHATSAPP_VERIFY_TOKEN: secrets.verifyToken,
  WHATSAPP_ACCESS_TOKEN: accessToken,
  ANTHROPIC_API_KEY: apiKey,
  NIGHTDESK_SECRET_KEY: secretKey,
  METRICS_TOKEN: metricsToken,
  DATABASE_URL: 'sqlite::memory:',
  AWS_SECRET_ACCESS_KEY: apiKey,
};

describe('a value that cannot be used', () => {
  test.each([
    ['DATABASE_URL', `postgres://bot:${databasePassword}@db.test:port/nightdesk`],
    ['DATABASE_URL', `mysql://${databasePassword}`],
    ['FILES_URL', `s3://bot:${databasePassword}@bucket`],
    ['FILES_URL', 's3://bucket/of/files'],
    ['AWS_ENDPOINT_URL_S3', `bot:${apiKey}@bucket.test`],
    ['AWS_REGION', `${accessToken}!`],
    ['PORT', accessToken],
    ['PORT', '-1'],
    ['METRICS_PORT', metricsToken],
    ['GRAPH_API_URL', `ftp://bot:${accessToken}@graph.test`],
    ['GRAPH_API_URL', accessToken],
    ['GRAPH_API_VERSION', accessToken],
    ['ANTHROPIC_BASE_URL', `bot:${apiKey}@models.test`],
    ['WAKE', `redis://:${databasePassword}@redis.test`],
    ['LOG_LEVEL', accessToken],
    ['RETENTION_DAYS', accessToken],
    ['STOP_DEADLINE_MS', accessToken],
    ['NIGHTDESK_SECRET_KEY', secretKey.slice(0, 31)],
    ['NIGHTDESK_SECRET_KEY', `${secretKey},${apiKey}`],
    ['WHATSAPP_APP_SECRET', Array(5).fill(appSecret).join(',')],
  ])('of %s is not told (%#)', async (key, value) => {
    const env = { ...environment, [key]: value };
    const error: unknown = await readConfig({ env, folder: '/nowhere' })
      .then(openSecrets)
      .catch((thrown: unknown) => thrown);
    expect([exitCodeOf(error), explain(error)]).toEqual([2, expect.stringContaining(key)]);
    expect(found(explain(error))).toEqual([]);
  });
});
