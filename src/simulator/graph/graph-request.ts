/** A request to the Graph API, as the shell or a test passes it in. */
import { readString } from '../control/json-reading.ts';

export interface GraphRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array | string;
}

export function headerOf(request: GraphRequest, name: string): string | null {
  return readString(request.headers[name]) ?? null;
}
