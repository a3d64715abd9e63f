/**
 * The environment of the child: the person's own, with the addresses of the simulator and, where they are missing, made-up
 * secrets that it shares with it. What concerns the model passes through untouched: without a key the demo model answers.
 * GRAPH_API_URL always names the simulator; nothing that is tried out here may reach a real customer.
 */
import { limits } from '#core/limits.ts';
import type { Addresses } from './addresses.ts';

export interface ServerSettings {
  appSecret: string;
  verifyToken: string;
  /** How long the child may take to stop before it is killed. */
  stopDeadlineMs: number;
  envFor(addresses: Addresses): Record<string, string | undefined>;
}

export interface ServerSettingsInput {
  env: Record<string, string | undefined>;
  /** Names that the server reads from `.env` by itself, each time it starts. */
  fromEnvFile: ReadonlySet<string>;
  simulatorUrl: string;
  random: () => number;
}

/** What a model is still asked after this is asked again by the next server; a restart is not to wait for it. */
const stopMsDefault = '500';
/** Between the server's own deadline and the moment when it is believed to hang. */
const stopGraceMs = 5_000;

export function serverSettingsOf({
  env,
  fromEnvFile,
  simulatorUrl,
  random,
}: ServerSettingsInput): ServerSettings {
  const made = (name: string): string => env[name] || drawSecret(random);
  const appSecrets = made('WHATSAPP_APP_SECRET');
  const verifyTokens = made('WHATSAPP_VERIFY_TOKEN');
  const accessToken = made('WHATSAPP_ACCESS_TOKEN');
  const own = Object.entries(env).filter(([name]) => !fromEnvFile.has(name));
  const stopDeadline = env.STOP_DEADLINE_MS || stopMsDefault;
  const stopMs = Number(stopDeadline) + Number(env.DRAIN_DELAY_MS || 0);
  return {
    appSecret: firstOf(appSecrets),
    verifyToken: firstOf(verifyTokens),
    stopDeadlineMs: (Number.isFinite(stopMs) ? stopMs : limits.stopDeadlineMs) + stopGraceMs,
    envFor: ({ isPortNamed, port, databaseUrl }) => ({
      ...Object.fromEntries(own),
      // A named port is handed on as it was written, so that the server itself says what is wrong with it.
      PORT: isPortNamed && env.PORT !== '0' ? env.PORT : String(port),
      DATABASE_URL: databaseUrl,
      STOP_DEADLINE_MS: stopDeadline,
      GRAPH_API_URL: simulatorUrl,
      WHATSAPP_APP_SECRET: appSecrets,
      WHATSAPP_VERIFY_TOKEN: verifyTokens,
      WHATSAPP_ACCESS_TOKEN: accessToken,
    }),
  };
}

/** Lists are allowed for rotation; the newest stands first. */
const firstOf = (list: string): string => list.split(',')[0]?.trim() ?? '';

function drawSecret(random: () => number): string {
  let secret = '';
  while (secret.length < 32) secret += Math.floor(random() * 16).toString(16);
  return secret;
}
