/**
 * Ids that look like Meta's: wamids, media ids and trace ids.
 *
 * A real wamid is base64 over a small binary record: the peer's number and a hex id (outbound 18 digits, inbound 20
 * digits that begin with "3A"). Ours have the same bytes in the same places, so code that peeks inside (or chokes on
 * "=", "/" and "+") meets the real thing. The hex id ends in a counter: unique within one simulator whatever the
 * randomness that was passed in.
 */
import type { Random } from './draw.ts';
import { drawChars } from './draw.ts';

export interface IdMaker {
  wamid(direction: 'in' | 'out', peer: string): string;
  mediaId(): string;
  traceId(): string;
}

const WAMID_HEAD = [0x1c, 0x18];
const COUNTER_DIGITS = 8;
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function wamidBytes(direction: 'in' | 'out', peer: string, hexId: string): Buffer {
  return Buffer.concat([
    Buffer.from([...WAMID_HEAD, peer.length]),
    Buffer.from(peer, 'latin1'),
    Buffer.from([0x15, 0x02, 0x00, direction === 'out' ? 0x11 : 0x12, 0x18, hexId.length]),
    Buffer.from(hexId, 'latin1'),
    Buffer.from([0x00]),
  ]);
}

function drawHex(random: Random, digits: number): string {
  const drawn = Math.floor(random() * 16 ** digits).toString(16);
  return drawn.padStart(digits, '0').slice(-digits).toUpperCase();
}

export function createIdMaker(random: Random): IdMaker {
  let counter = 0;
  const nextCounter = (): string => {
    counter += 1;
    return counter.toString(16).toUpperCase().padStart(COUNTER_DIGITS, '0');
  };
  return {
    wamid(direction, peer) {
      const hexId = `${direction === 'in' ? '3A' : ''}${drawHex(random, 10)}${nextCounter()}`;
      return `wamid.${wamidBytes(direction, peer.slice(0, 64), hexId).toString('base64')}`;
    },
    mediaId() {
      counter += 1;
      return `1${String(Math.floor(random() * 1e6)).padStart(6, '0')}${String(counter).padStart(9, '0')}`;
    },
    traceId: () => `A${drawChars(random, BASE64URL, 22)}`,
  };
}
