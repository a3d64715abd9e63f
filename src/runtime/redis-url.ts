/**
 * `REDIS_URL`: `redis://` or `rediss://` (TLS), the user and password of an ACL, a database, and two settings behind the
 * question mark. Several addresses with commas between them are nodes of one cluster; so is one with `cluster=true`,
 * which finds the others. No message of an error repeats the value: it holds a password.
 */
import type { RedisTarget } from '#wake/bullmq/target.ts';
import { BadConfig } from './config-file.ts';

const defaultPort = 6_379;
/** In braces, so that a cluster keeps all keys of the queue on one node, which BullMQ's scripts demand. */
const defaultPrefix = '{nightdesk}';
const hashTag = /\{[^{}]+\}/;
const remedy =
  'Set it to redis://HOST:PORT, to rediss://USER:PASSWORD@HOST:PORT for TLS and an ACL user, or to several of them with commas between for a cluster.';

/** @throws BadConfig */
export function readRedisUrl(value: string): RedisTarget {
  const urls = value.split(',').map(parsed);
  const [first] = urls;
  if (first === undefined) throw refused('it is empty');
  const settings = settingsOf(first);
  const isCluster = urls.length > 1 || settings.isCluster;
  const database = databaseOf(first);
  if (isCluster && database !== 0) throw refused('a cluster has no database but 0');
  if (isCluster && !hashTag.test(settings.prefix))
    throw refused(
      'in a cluster the prefix needs a part in braces, e.g. {nightdesk}, which keeps its keys on one node',
    );
  if (new Set(urls.map(loginOf)).size > 1)
    throw refused('the nodes of a cluster differ in more than their addresses');
  return {
    nodes: urls.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? defaultPort : Number(port),
    })),
    isCluster,
    tls: first.protocol === 'rediss:',
    ...(first.username === '' ? {} : { username: decodeURIComponent(first.username) }),
    ...(first.password === '' ? {} : { password: decodeURIComponent(first.password) }),
    database,
    prefix: settings.prefix,
  };
}

const loginOf = ({ protocol, username, password }: URL): string => `${protocol}//${username}:${password}`;

function parsed(text: string): URL {
  const url = URL.parse(text.trim());
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '')
    throw refused('it is no address of a Redis');
  return url;
}

function databaseOf({ pathname }: URL): number {
  const [, digits] = /^\/?(\d{0,3})$/.exec(pathname) ?? [];
  if (digits === undefined) throw refused('what stands behind the port is no number of a database');
  return Number(digits);
}

function settingsOf({ searchParams }: URL): { prefix: string; isCluster: boolean } {
  for (const name of searchParams.keys())
    if (name !== 'prefix' && name !== 'cluster') throw refused(`it has no setting "${name.slice(0, 40)}"`);
  const cluster = searchParams.get('cluster');
  if (cluster !== null && cluster !== 'true' && cluster !== 'false')
    throw refused('its setting "cluster" is neither true nor false');
  const prefix = searchParams.get('prefix') ?? defaultPrefix;
  if (!/^[\w{}.-]{1,60}$/.test(prefix))
    throw refused(
      'its setting "prefix" holds more than letters, digits, braces, dots, dashes and underscores',
    );
  return { prefix, isCluster: cluster === 'true' };
}

function refused(what: string): BadConfig {
  return new BadConfig(`REDIS_URL cannot be used: ${what}. ${remedy}`);
}
