/**
 * With what tasks are made: the identity of the machine, or the key of a service account in Google's JSON file. Reading it
 * needs no library, so a wrong one is told before any port opens. To add a kind, add its shape here and a way to ask to
 * `access-token.ts`.
 */
import { KnownError } from '#core/model/faults.ts';

/** The key of a service account, as Google's JSON file has it. */
export interface ServiceKey {
  email: string;
  privateKey: string;
  privateKeyId: string | undefined;
  tokenUrl: string;
}

export type Credentials = { from: 'metadata'; host: string } | { from: 'key'; key: ServiceKey };

/** No token could be had, so no task can be made. */
export class NoAccessToken extends KnownError {
  override readonly name = 'NoAccessToken';
}

/** @throws KnownError where the text is no key of a service account; it says which part is missing. */
export function readKeyFile(text: string): ServiceKey {
  const read = readObject(text);
  if (read.type !== 'service_account')
    throw new NoAccessToken(
      `The credentials are of the type "${String(read.type)}", and only the key of a service account can be used here (type "service_account"); on Cloud Run no file is needed.`,
    );
  const { client_email: email, private_key: privateKey, private_key_id: privateKeyId } = read;
  const tokenUrl = read.token_uri ?? 'https://oauth2.googleapis.com/token';
  if (typeof email !== 'string' || typeof privateKey !== 'string' || typeof tokenUrl !== 'string')
    throw new NoAccessToken('The credentials lack "client_email" or "private_key".');
  return {
    ...{ email, privateKey, tokenUrl },
    privateKeyId: typeof privateKeyId === 'string' ? privateKeyId : undefined,
  };
}

/** @throws NoAccessToken where the text is no JSON object. */
export function readObject(text: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === 'object' && read !== null) return { ...read };
  } catch {
    // What is no JSON is no key either, and its text must not be told.
  }
  throw new NoAccessToken('The credentials are no JSON object.');
}
