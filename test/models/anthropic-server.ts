/**
 * As much of Anthropic's Messages API as a test of the client needs: it keeps every request, and answers each with the
 * next thing it was told. Shapes: docs.claude.com/en/api/messages and .../errors.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';

export interface Seen {
  path: string;
  headers: IncomingHttpHeaders;
  body: {
    model: string;
    max_tokens: number;
    system?: { type: string; text: string }[];
    messages: { role: string; content: { type: string; text: string }[] }[];
    tools?: { name: string; input_schema: object }[];
    thinking?: { type: string };
  };
}

export interface AnthropicServer {
  /** Without `/v1`. */
  url: string;
  seen: Seen[];
  /** What the next requests get, in turn; after them, `defaultMessage`. */
  next: ((response: ServerResponse) => void)[];
  close(): Promise<void>;
}

export async function startAnthropicServer(): Promise<AnthropicServer> {
  const seen: Seen[] = [];
  const next: AnthropicServer['next'] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      seen.push({
        path: request.url ?? '',
        headers: request.headers,
        body: JSON.parse(text) as Seen['body'],
      });
      (next.shift() ?? say([{ type: 'text', text: 'Hello!' }]))(response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    next,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type Block =
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: object };

export function say(content: Block[], stopReason = 'end_turn') {
  return (response: ServerResponse) =>
    send(response, 200, {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-haiku-5-5-20260901',
      content,
      stop_reason: stopReason,
      stop_sequence: null,
      usage: { input_tokens: 21, output_tokens: 7 },
    });
}

export function fail(status: number, type: string, headers: Record<string, string> = {}) {
  return (response: ServerResponse) =>
    send(response, status, { type: 'error', error: { type, message: 'CUSTOMER WORDS' } }, headers);
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_1', ...headers });
  response.end(JSON.stringify(body));
}
