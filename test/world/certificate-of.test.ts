/** The certificate of a real TLS server on this machine, and what the doctor says of the address behind it. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import * as tls from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { readConfig } from '#runtime/config.ts';
import type { Finding } from '#runtime/doctor/finding.ts';
import { examineWebhook } from '#runtime/doctor/webhook.ts';
import { certificateOf } from '#runtime/world/certificate.ts';
import { createLog } from '#runtime/world/log.ts';
import { createRealWorld } from '#runtime/world/real-world.ts';
import { cert, expiredCert, key, otherNameCert } from './certificate.ts';
import { closedPort, listen, portOf, startRawServer } from './raw-server.ts';

const world = createRealWorld({ log: createLog({ level: 'silent' }) });
const { timers } = world;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface TlsServer {
  port: number;
  /** What it was asked beyond the greeting. */
  requests(): number;
  /** By which names it was greeted. */
  names: string[];
}

/** Answers Meta's handshake as this server would. */
async function tlsServer(shown: string): Promise<TlsServer> {
  let requests = 0;
  const names: string[] = [];
  const SNICallback = (name: string, done: (error: null) => void): void => {
    names.push(name);
    done(null);
  };
  const server = createServer({ key, cert: shown, SNICallback }, ({ url }, response) => {
    requests += 1;
    response.end(new URL(url ?? '', 'https://any').searchParams.get('hub.challenge'));
  });
  server.on('tlsClientError', () => {});
  await listen(server);
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { port: portOf(server), requests: () => requests, names };
}

/** What answers a greeting of TLS in plain HTTP. */
const plainServer = () =>
  startRawServer(undefined, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );

const ask = (port: number, host = '127.0.0.1', timeoutMs = 10_000) =>
  certificateOf({ host, port, timeoutMs, timers });

describe('until when a certificate is valid', () => {
  test.each([
    ['that nobody trusts', cert, '2126-10-29'],
    ['that has expired', expiredCert, '2025-12-31'],
    ['of another name', otherNameCert, '2126-01-01'],
  ])('is read from one %s, and nothing is asked', async (_what, shown, until) => {
    const { port, requests } = await tlsServer(shown);
    const found = await ask(port);
    expect(new Date(found?.validToMs ?? 0).toISOString().slice(0, 10)).toBe(until);
    expect(requests()).toBe(0);
  });

  test('is asked by the name of the host, and by none where it is an address', async () => {
    const { port, names } = await tlsServer(cert);
    expect(await ask(port, 'localhost')).not.toBeNull();
    expect(await ask(port)).not.toBeNull();
    expect(names).toEqual(['localhost']);
  });

  test('is not known of who is not there, speaks no TLS, hangs up or says nothing', async () => {
    expect(await ask(await closedPort())).toBeNull();
    const plain = await plainServer();
    const gone = await startRawServer(undefined, (socket) => socket.end());
    const silent = await startRawServer();
    closing.push(plain.close, gone.close, silent.close);
    expect(await ask(plain.port)).toBeNull();
    expect(await ask(gone.port)).toBeNull();
    expect(await ask(silent.port, '127.0.0.1', 50)).toBeNull();
  });
});

describe('the doctor says of a webhook whose certificate', () => {
  const tenant = { tenantId: 'acme', name: 'Acme', accessToken: 'token', phoneNumbers: [] };
  async function findings(port: number): Promise<Record<string, Finding>> {
    const config = await readConfig({
      env: { WHATSAPP_VERIFY_TOKEN: 'a word' },
      folder: import.meta.dirname,
    });
    const url = `https://127.0.0.1:${port}/webhooks/whatsapp`;
    const found = await examineWebhook({
      patient: { config, world, tenants: [] },
      tenant,
      address: { url, from: 'app' },
      timeoutMs: 10_000,
    });
    return Object.fromEntries(found.map((each) => [each.check, each]));
  }
  const check = 'webhook of acme';

  /** As if an authority of this machine had signed it. */
  function trust(one: string): void {
    const trusted = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...trusted, one]);
    closing.push(() => tls.setDefaultCACertificates(trusted));
  }

  test('nobody trusts: that one of a public authority is needed, and nothing that sounds well', async () => {
    const { port, requests } = await tlsServer(cert);
    const found = await findings(port);
    expect(found[check]).toMatchObject({
      status: 'fail',
      says: expect.stringMatching(/certificate that is not believed \(DEPTH_ZERO_SELF_SIGNED_CERT\)/),
      todo: expect.stringMatching(/public authority, with its whole chain/),
    });
    expect(found[`certificate of ${check}`]).toBeUndefined();
    expect(requests()).toBe(0);
  });

  test('has expired: since when, and that it has to be renewed', async () => {
    trust(expiredCert);
    const found = await findings((await tlsServer(expiredCert)).port);
    expect(found[check]).toMatchObject({
      status: 'fail',
      says: expect.stringMatching(/\(CERT_HAS_EXPIRED\)/),
      todo: expect.stringMatching(/^Renew it/),
    });
    expect(found[`certificate of ${check}`]).toMatchObject({
      status: 'fail',
      says: expect.stringMatching(/expired on 2025-12-31/),
    });
  });

  test('is of another name: that it must be for this very name', async () => {
    trust(otherNameCert);
    const found = await findings((await tlsServer(otherNameCert)).port);
    expect(found[check]).toMatchObject({
      status: 'fail',
      says: expect.stringMatching(/\(ERR_TLS_CERT_ALTNAME_INVALID\)/),
      todo: expect.stringMatching(/for this very name/),
    });
  });

  test('is right: that it answers, and until when it will', async () => {
    trust(cert);
    const found = await findings((await tlsServer(cert)).port);
    expect(found[check]).toMatchObject({
      status: 'ok',
      says: expect.stringMatching(/answers Meta's handshake/),
    });
    expect(found[`certificate of ${check}`]).toMatchObject({
      status: 'ok',
      says: expect.stringMatching(/valid until 2126-10-29/),
    });
  });

  test('is none, since the address speaks plain HTTP: what to put there', async () => {
    const plain = await plainServer();
    closing.push(plain.close);
    expect((await findings(plain.port))[check]).toMatchObject({
      status: 'fail',
      says: expect.stringMatching(/speaks no TLS/),
      todo: expect.stringMatching(/proxy or tunnel/),
    });
  });
});
