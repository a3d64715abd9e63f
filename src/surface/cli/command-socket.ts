/**
 * The socket beside the database: commands reach the running server through it. Only who may read the data folder may
 * use it (mode 0600). It dies with the process; what is left of it is replaced at the next start.
 */

import { hash } from 'node:crypto';
import { chmodSync, lstatSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Fault, type FaultCode, isFault, KnownError, messageOf, outlineOf } from '#core/model/faults.ts';
import { noCrashPoints } from '#core/ports/crash-points.ts';
import { runCommand } from '#runtime/commands.ts';
import { BadConfig } from '#runtime/config.ts';
import type { Nightdesk } from '#runtime/nightdesk.ts';

/** A path of a socket may hold about 100 bytes; where the database lies deeper, the socket lies in the temporary folder. */
const pathBytesMax = 100;
const requestBytesMax = 16 * 1024 * 1024;

const besideOf = (databasePath: string): string => `${databasePath}.sock`;

export function socketPathOf(databasePath: string): string {
  const beside = besideOf(databasePath);
  return Buffer.byteLength(beside) <= pathBytesMax
    ? beside
    : join(tmpdir(), `nightdesk-${hash('sha256', databasePath).slice(0, 16)}.sock`);
}

/**
 * Whether there is a socket to talk to. In the temporary folder anybody may make one of that name, and a command may hold
 * tokens: only one that belongs to whom the database's folder belongs to is used. @throws Fault where another's lies there
 */
function isThere(socketPath: string, databasePath: string): boolean {
  if (socketPath === besideOf(databasePath)) return true;
  const socket = lstatSync(socketPath, { throwIfNoEntry: false });
  if (socket === undefined) return false;
  if (socket.uid === statSync(dirname(databasePath), { throwIfNoEntry: false })?.uid) return true;
  throw new Fault(
    'conflict',
    `The socket ${socketPath} belongs to another user than the database, so nothing was sent to it. Remove it, or name a shorter path in DATABASE_URL, which puts the socket beside the database.`,
  );
}

export interface CommandSocket {
  close(): Promise<void>;
}

export async function startCommandSocket(nightdesk: Nightdesk): Promise<CommandSocket> {
  const { database } = nightdesk.config;
  // Commands for a server of databases go there by themselves.
  if (database.driver !== 'sqlite' || database.path === ':memory:') return { close: () => Promise.resolve() };
  const { path } = database;
  const socketPath = socketPathOf(path);
  if (isThere(socketPath, path)) rmSync(socketPath, { force: true });
  const server = createServer((incoming, outgoing) => void answer(nightdesk, incoming, outgoing));
  await listen(server, socketPath);
  chmodSync(socketPath, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}

async function answer(
  nightdesk: Nightdesk,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { crashPoints = noCrashPoints } = nightdesk.world;
  const reply = (status: number, body: unknown) => {
    outgoing.writeHead(status, { 'content-type': 'application/json' });
    crashPoints.reach('commandAnswer.beforeWrite');
    outgoing.end(JSON.stringify(body), () => crashPoints.reach('commandAnswer.afterWrite'));
  };
  try {
    const { name, args } = JSON.parse(await read(incoming)) as {
      name: string;
      args: Record<string, unknown>;
    };
    reply(200, { result: (await runCommand(nightdesk, name, args)) ?? null });
  } catch (error) {
    if (isFault(error)) return reply(422, { fault: { code: error.code, message: error.message } });
    if (error instanceof BadConfig)
      return reply(422, { fault: { code: 'badRequest', message: error.message } });
    nightdesk.world.log.error({ err: error }, 'A command failed.');
    reply(500, { failure: outlineOf(error) });
  }
}

async function read(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > requestBytesMax) throw new Fault('badRequest', 'The command is larger than 16 MB.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The server failed at a command; its log says more. */
export class OwnerFailed extends KnownError {
  override readonly name = 'OwnerFailed';
}

interface Answer {
  result?: unknown;
  fault?: { code: FaultCode; message: string };
  failure?: string;
}

/** Runs a command in the server that owns the database. @throws Fault as the server says, or where none answers. */
export async function callOwner(
  databasePath: string,
  name: string,
  args: Record<string, unknown>,
): Promise<unknown> {
  const answered = await askOwner(databasePath, name, args);
  if (answered !== null) return answered.result;
  throw new Fault(
    'storeUnavailable',
    `A process owns ${databasePath} but does not answer on its socket. It may be starting or stopping, or another command may have it; nothing was changed. Try again in a moment.`,
  );
}

/** The same; null where nobody listens, in which case nothing has happened. */
export async function askOwner(
  databasePath: string,
  name: string,
  args: Record<string, unknown>,
): Promise<{ result: unknown } | null> {
  const socketPath = socketPathOf(databasePath);
  if (!isThere(socketPath, databasePath)) return null;
  const body = await exchange(socketPath, JSON.stringify({ name, args }));
  if (body === null) return null;
  const { result, fault, failure } = JSON.parse(body) as Answer;
  if (fault !== undefined) throw new Fault(fault.code, fault.message);
  if (failure !== undefined)
    throw new OwnerFailed(`The server failed at ${name}: ${failure}. Its log says more.`);
  return { result };
}

function exchange(socketPath: string, body: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: '/', method: 'POST', agent: false }, (response) =>
      read(response).then(resolve, fail),
    );
    call.once('error', fail);
    call.end(body);

    function fail(error: NodeJS.ErrnoException): void {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(null);
      else if (error.code === 'EACCES')
        reject(
          new Fault(
            'conflict',
            `The socket ${socketPath} may not be used by this user. Run the command as the user whom the server runs as.`,
          ),
        );
      else
        reject(
          new Fault(
            'storeUnavailable',
            `The server ended before it answered (${messageOf(error)}). Look what came of the command before you repeat it.`,
          ),
        );
    }
  });
}
