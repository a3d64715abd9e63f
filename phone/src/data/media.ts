/**
 * Files. They go where a bot's go: uploaded to the number by the Graph API, fetched by id and by an address that lives five
 * minutes. So what a customer sends from here is what the server downloads, and what the page shows is what it sent.
 * What was sent from this page is also kept here, for as long as the page is open.
 */
import { call } from './control.ts';

const version = 'v25.0';
const keptMax = 200;

/** Any of the simulator's tokens; a simulator without tokens takes every one. */
let tokenAsked: Promise<string> | null = null;

async function askToken(): Promise<string> {
  const setup = await call<{ accessTokens?: readonly { token: string; expired: boolean }[] }>(
    'GET',
    '/setup',
  );
  return setup.accessTokens?.find(({ expired }) => !expired)?.token ?? 'phone-page';
}

function token(): Promise<string> {
  tokenAsked ??= askToken().catch((error: unknown) => {
    tokenAsked = null;
    throw error;
  });
  return tokenAsked;
}

/** A reading call of the Graph API. */
export async function graph(path: string): Promise<Response> {
  return fetch(`/${version}${path}`, { headers: { authorization: `Bearer ${await token()}` } });
}

const files = new Map<string, Promise<string | null>>();

function keep(mediaId: string, file: Promise<string | null>): Promise<string | null> {
  files.set(mediaId, file);
  if (files.size > keptMax) files.delete(files.keys().next().value ?? '');
  return file;
}

async function download(mediaId: string): Promise<string | null> {
  const headers = { authorization: `Bearer ${await token()}` };
  const node = await graph(`/${encodeURIComponent(mediaId)}`);
  if (!node.ok) return null;
  const { url } = (await node.json()) as { url: string };
  // The page may have come by another name of the same machine.
  const { pathname, search } = new URL(url);
  const file = await fetch(pathname + search, { headers });
  return file.ok ? URL.createObjectURL(await file.blob()) : null;
}

/** An address for the file that this page can show; null when there is none. */
export function fileOf(mediaId: string): Promise<string | null> {
  return (
    files.get(mediaId) ??
    keep(
      mediaId,
      download(mediaId).catch(() => null),
    )
  );
}

export interface SentFile {
  readonly mediaId: string;
  readonly mimeType: string;
  /** Base64, as webhooks say it. Absent where the browser cannot tell. */
  readonly sha256?: string;
}

async function sha256Of(file: Blob): Promise<string | null> {
  // Only there on https and on this machine's own names.
  if (!crypto.subtle) return null;
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** Puts a file on the simulator's shelf; throws with Meta's own words when it does not take it. */
export async function upload(phoneNumberId: string, file: Blob, name: string): Promise<SentFile> {
  const form = new FormData();
  form.set('messaging_product', 'whatsapp');
  form.set('type', file.type);
  form.set('file', file, name);
  const answer = await fetch(`/${version}/${phoneNumberId}/media`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token()}` },
    body: form,
  });
  const said = (await answer.json()) as {
    id?: string;
    error?: { message?: string; error_data?: { details?: string } };
  };
  if (!said.id) throw new Error(said.error?.error_data?.details ?? said.error?.message ?? 'It was refused.');
  keep(said.id, Promise.resolve(URL.createObjectURL(file)));
  const sha256 = await sha256Of(file);
  return { mediaId: said.id, mimeType: file.type, ...(sha256 === null ? {} : { sha256 }) };
}
