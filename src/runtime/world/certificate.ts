/** Until when the certificate of a server is valid, whether it is to be believed or not. */
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { Timers } from '#core/ports/world.ts';

export interface CertificateQuestion {
  host: string;
  port: number;
  timeoutMs: number;
  timers: Timers;
}

/** Null where nobody shows one in time. Nothing is sent but the greeting. */
export function certificateOf(question: CertificateQuestion): Promise<{ validToMs: number } | null> {
  const { host, port, timeoutMs, timers } = question;
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      // TLS knows no names that are addresses.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Whether it is believed is for the request to say; an expired one must still be readable here.
      rejectUnauthorized: false,
    });
    const cancel = timers.after(timeoutMs, () => end(null));
    const end = (found: { validToMs: number } | null): void => {
      cancel();
      socket.destroy();
      resolve(found);
    };
    socket.once('secureConnect', () => {
      const validToMs = Date.parse(socket.getPeerCertificate().valid_to);
      end(Number.isNaN(validToMs) ? null : { validToMs });
    });
    socket.once('error', () => end(null));
    // Somebody who hangs up without a word ends it, too.
    socket.once('close', () => end(null));
  });
}
