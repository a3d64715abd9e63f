/**
 * Playing a decided outcome on a real socket: wait, answer whole, answer in pieces, break off, or say nothing.
 * `ended` is told once: answered when all bytes were handed over, lost when the simulator broke off on purpose, aborted
 * when the client went away first.
 */
import type { ServerResponse } from 'node:http';
import type { ModelOutcome } from '../anthropic/anthropic.ts';
import type { CallEnd } from '../anthropic/model-calls.ts';
import type { HttpAnswer } from '../graph/graph-errors.ts';
import type { MetaAnswer } from '../meta.ts';
import type { SetTimer } from '../webhooks/webhook-poster.ts';

export type Outcome = Exclude<MetaAnswer, { kind: 'held' }> | ModelOutcome;

export function writeAnswer(response: ServerResponse, answer: HttpAnswer): void {
  const headers = { ...answer.headers, 'content-length': String(Buffer.byteLength(answer.body)) };
  response.writeHead(answer.status, headers).end(answer.body);
}

/** The headers and half of the body; `then` gets the other half when the first was handed over. */
function writeHalf(response: ServerResponse, answer: HttpAnswer, then: (rest: Uint8Array) => void): void {
  const bytes = Buffer.from(answer.body);
  const half = bytes.length >> 1;
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(bytes.length) });
  response.write(bytes.subarray(0, half), () => then(bytes.subarray(half)));
}

function breakOff(response: ServerResponse): void {
  response.socket?.destroy();
}

export function playOutcome(
  response: ServerResponse,
  outcome: Outcome,
  setTimer: SetTimer,
  ended: (end: CallEnd) => void,
): void {
  let cancelTimer: (() => void) | null = null;
  let end: CallEnd = 'aborted';
  const later = (delayMs: number, step: () => void): void => {
    if (delayMs <= 0) step();
    else cancelTimer = setTimer(delayMs, step);
  };
  response.on('finish', () => {
    end = 'answered';
  });
  response.on('close', () => {
    cancelTimer?.();
    ended(end);
  });
  const lose = (): void => {
    end = 'lost';
    breakOff(response);
  };
  if (outcome.kind === 'hang') return;
  if (outcome.kind === 'response') {
    const stallMs = 'stallMs' in outcome ? outcome.stallMs : undefined;
    later(outcome.delayMs, () => {
      if (stallMs === undefined) writeAnswer(response, outcome.response);
      else writeHalf(response, outcome.response, (rest) => later(stallMs, () => response.end(rest)));
    });
    return;
  }
  if (outcome.kind === 'lost') {
    later(outcome.delayMs, lose);
    return;
  }
  if (outcome.kind === 'lostAfterHeaders') {
    later(outcome.delayMs, () => writeHalf(response, outcome.response, () => later(outcome.stallMs, lose)));
    return;
  }
  const { chunks, chunkMs, isCut } = outcome;
  const writeFrom = (index: number): void => {
    const chunk = chunks[index];
    if (chunk === undefined) {
      response.end();
      return;
    }
    // What was written must have left before the socket dies, or the stream would end at its beginning.
    const isLast = isCut && index === chunks.length - 1;
    response.write(chunk, () => isLast && later(chunkMs, lose));
    if (!isLast) later(chunkMs, () => writeFrom(index + 1));
  };
  later(outcome.delayMs, () => {
    response.writeHead(200, outcome.headers);
    writeFrom(0);
  });
}
