import { createHash } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import {
  answerJson,
  createOpenConversation,
  NUMBER_ID,
  PHONE,
  type VirtualMeta,
  WABA_ID,
} from './virtual-meta.ts';

const DAY_MS = 24 * 3_600_000;
const MEGABYTE = 1_024 * 1_024;
const OTHER_NUMBER_ID = '106540352242923';
const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

interface Part {
  name: string;
  value: Uint8Array | string;
  filename?: string;
  type?: string;
}

function formOf(parts: Part[], boundary = '----b'): Buffer {
  const chunks = parts.flatMap(({ name, value, filename, type }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${filename ? `; filename="${filename}"` : ''}${type ? `\r\nContent-Type: ${type}` : ''}\r\n\r\n`,
    ),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]);
}

const partsOf = (bytes: Uint8Array, type: string): Part[] => [
  { name: 'messaging_product', value: 'whatsapp' },
  { name: 'type', value: type },
  { name: 'file', value: bytes, filename: 'a.bin', type },
];

function post(virtual: VirtualMeta, body: Buffer, numberId = NUMBER_ID) {
  const headers = {
    authorization: 'Bearer token',
    'content-type': 'multipart/form-data; boundary=----b',
  };
  const path = `/v26.0/${numberId}/media`;
  return virtual.meta.handle({ method: 'POST', path, query: {}, headers, body }, virtual.nowMs);
}

function upload(virtual: VirtualMeta, bytes: Uint8Array, type: string): string {
  const { status, body } = answerJson(post(virtual, formOf(partsOf(bytes, type))));
  expect(status).toBe(200);
  return (body as { id?: string }).id ?? '';
}

interface ErrorBody {
  error?: { code: number; message: string; error_subcode?: number };
}
const errorOf = (answer: ReturnType<VirtualMeta['post']>) => (answerJson(answer).body as ErrorBody).error;

function ask(virtual: VirtualMeta, mediaId: string, query: Record<string, string> = {}, method = 'GET') {
  const headers = { authorization: 'Bearer token' };
  return virtual.meta.handle({ method, path: `/v26.0/${mediaId}`, query, headers, body: '' }, virtual.nowMs);
}

const queryOf = (url: string) => Object.fromEntries(new URL(url).searchParams);
const send = (virtual: VirtualMeta, type: string, content: object) =>
  virtual.post({ messaging_product: 'whatsapp', to: PHONE, type, [type]: content });

describe('an upload', () => {
  it('gives an id, whose file is found and fetched whole', () => {
    const virtual = createOpenConversation({ publicUrl: 'http://sim.test' });
    const id = upload(virtual, PNG, 'image/png');
    const info = answerJson(ask(virtual, id)).body as { url?: string };
    expect(info).toEqual({
      messaging_product: 'whatsapp',
      url: expect.stringMatching(`^http://sim.test/whatsapp_business/attachments/.*mid=${id}`),
      mime_type: 'image/png',
      sha256: createHash('sha256').update(PNG).digest('hex'),
      file_size: PNG.length,
      id,
    });
    const file = virtual.meta.media.open(queryOf(info.url!), virtual.nowMs);
    expect(Buffer.from(file!.bytes)).toEqual(PNG);
  });

  it('keeps bytes that look like a boundary', () => {
    const virtual = createOpenConversation();
    const bytes = Buffer.from('a\r\n--\r\n----c\r\n\r\n');
    const id = upload(virtual, bytes, 'text/plain');
    expect(Buffer.from(virtual.meta.media.download(id)!.bytes)).toEqual(bytes);
  });

  const without = (name: string) => partsOf(PNG, 'image/png').filter((part) => part.name !== name);
  it.each<[string, Part[], string]>([
    ['no messaging_product', without('messaging_product'), 'The parameter messaging_product is required.'],
    ['no type', without('type'), 'The parameter type is required.'],
    ['no file', without('file'), 'The parameter file is required.'],
    ['an empty file', partsOf(Buffer.alloc(0), 'image/png'), 'must not be empty'],
    ['a type that nobody can open', partsOf(PNG, 'image/gif'), "Received file of type 'image/gif'"],
    [
      'a good type field beside a part that says nothing',
      [...without('file'), { name: 'file', value: PNG, filename: 'a', type: 'application/octet-stream' }],
      "Received file of type 'application/octet-stream'",
    ],
  ])('is refused with %s', (_name, parts, words) => {
    const error = errorOf(post(createOpenConversation(), formOf(parts)));
    expect(error?.code).toBe(100);
    expect(error?.message).toContain(words);
  });

  it.each([
    ['text', Buffer.from('hello')],
    ['a form that was cut off', formOf(partsOf(PNG, 'image/png')).subarray(0, -12)],
    ['another boundary', formOf(partsOf(PNG, 'image/png'), '----c')],
  ])('is refused with %s instead of a form', (_name, body) => {
    expect(errorOf(post(createOpenConversation(), body))?.code).toBe(100);
  });

  it.each([
    ['image/jpeg', 5 * MEGABYTE],
    ['audio/ogg; codecs=opus', 16 * MEGABYTE],
    ['image/webp', 500 * 1_024],
  ])('of %s may have %i bytes and not one more', (type, bytesMax) => {
    const virtual = createOpenConversation();
    upload(virtual, Buffer.alloc(bytesMax), type);
    expect(errorOf(post(virtual, formOf(partsOf(Buffer.alloc(bytesMax + 1), type))))?.code).toBe(131053);
  });

  it('needs a token that may send', () => {
    const accessTokens = [{ token: 'token', permissions: ['whatsapp_business_management'] }];
    const virtual = createOpenConversation({ accessTokens });
    expect(errorOf(post(virtual, formOf(partsOf(PNG, 'image/png'))))?.code).toBe(10);
  });
});

describe("a file's address", () => {
  it('lives five minutes, whole and unchanged', () => {
    const virtual = createOpenConversation();
    const id = upload(virtual, PNG, 'image/png');
    const other = upload(virtual, PNG, 'image/png');
    const { url = '' } = answerJson(ask(virtual, id)).body as { url?: string };
    const query = queryOf(url);
    const isOpen = (given: Record<string, string>) => virtual.meta.media.open(given, virtual.nowMs) !== null;
    expect(isOpen({ ...query, mid: other })).toBe(false);
    expect(isOpen({ ...query, ext: String(Number(query.ext) + 1) })).toBe(false);
    virtual.run(5 * 60_000 - 1);
    expect(isOpen(query)).toBe(true);
    virtual.run(1_000);
    expect(isOpen(query)).toBe(false);
    const fresh = answerJson(ask(virtual, id)).body as { url?: string };
    expect(isOpen(queryOf(fresh.url!))).toBe(true);
  });

  it('that stands in a webhook lives five minutes from the message on', () => {
    const virtual = createOpenConversation();
    virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, type: 'image' }, virtual.nowMs);
    virtual.run(0);
    const { url } = virtual.messages()[0]!.image as { url: string };
    expect(virtual.meta.media.open(queryOf(url), virtual.nowMs)).not.toBeNull();
    virtual.run(5 * 60_000);
    expect(virtual.meta.media.open(queryOf(url), virtual.nowMs)).toBeNull();
  });
});

describe('a file', () => {
  const gone = (answer: ReturnType<VirtualMeta['post']>) => {
    const error = errorOf(answer);
    return [error?.code, error?.error_subcode];
  };

  it.each([
    ['uploaded', 30],
    ['sent by a contact', 7],
  ])('%s is there for %i days', (origin, days) => {
    const virtual = createOpenConversation();
    let id = '';
    if (origin === 'uploaded') id = upload(virtual, PNG, 'image/png');
    else {
      virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, type: 'image' }, virtual.nowMs);
      virtual.run(0);
      id = (virtual.messages()[0]!.image as { id: string }).id;
    }
    virtual.run(days * DAY_MS - 1);
    expect(answerJson(ask(virtual, id)).status).toBe(200);
    virtual.run(1);
    expect(gone(ask(virtual, id))).toEqual([100, 33]);
  });

  it('is deleted', () => {
    const virtual = createOpenConversation();
    const id = upload(virtual, PNG, 'image/png');
    expect(answerJson(ask(virtual, id, {}, 'DELETE')).body).toEqual({ success: true });
    expect(gone(ask(virtual, id))).toEqual([100, 33]);
    expect(gone(ask(virtual, id, {}, 'DELETE'))).toEqual([100, 33]);
  });

  it('belongs to the number that it is with', () => {
    const virtual = createOpenConversation();
    virtual.meta.setup(
      { phoneNumbers: [{ id: OTHER_NUMBER_ID, wabaId: WABA_ID, displayNumber: '+1 555 078 3882' }] },
      virtual.nowMs,
    );
    const id = upload(virtual, PNG, 'image/png');
    expect(answerJson(ask(virtual, id, { phone_number_id: NUMBER_ID })).status).toBe(200);
    expect(errorOf(ask(virtual, id, { phone_number_id: OTHER_NUMBER_ID }))?.code).toBe(100);
    const body = { messaging_product: 'whatsapp', to: PHONE, type: 'image', image: { id } };
    const answer = virtual.post(body, { path: `/v26.0/${OTHER_NUMBER_ID}/messages` });
    expect(errorOf(answer)?.message).toContain('not a valid whatsapp business account media attachment ID');
  });
});

test('a file of a contact is with no number, so naming one refuses it', () => {
  const virtual = createOpenConversation();
  virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, type: 'image' }, virtual.nowMs);
  virtual.run(0);
  const { id } = virtual.messages()[0]!.image as { id: string };
  expect(answerJson(ask(virtual, id)).status).toBe(200);
  expect(errorOf(ask(virtual, id, { phone_number_id: NUMBER_ID }))?.code).toBe(100);
});

describe('a message with a file', () => {
  it('goes out with an id that is there, also one that a contact sent', () => {
    const virtual = createOpenConversation();
    expect(answerJson(send(virtual, 'image', { id: upload(virtual, PNG, 'image/png') })).status).toBe(200);
    virtual.meta.inbound.say({ phoneNumberId: NUMBER_ID, contact: PHONE, type: 'image' }, virtual.nowMs);
    virtual.run(0);
    const { id } = virtual.messages()[0]!.image as { id: string };
    expect(answerJson(send(virtual, 'image', { id })).status).toBe(200);
  });

  it('is refused with an id that is not, wherever it stands', () => {
    const virtual = createOpenConversation();
    expect(errorOf(send(virtual, 'image', { id: '1' }))).toMatchObject({
      code: 100,
      message: "(#100) Param image['id'] is not a valid whatsapp business account media attachment ID",
    });
    const interactive = {
      type: 'button',
      header: { type: 'video', video: { id: '1' } },
      body: { text: 'x' },
      action: { buttons: [{ type: 'reply', reply: { id: 'a', title: 'A' } }] },
    };
    expect(errorOf(send(virtual, 'interactive', interactive))?.message).toContain(
      "interactive['header']['video']['id']",
    );
    expect(virtual.meta.accepted).toHaveLength(0);
  });

  const animated = Buffer.concat([
    Buffer.from('RIFF0000WEBPVP8X0000'),
    Buffer.from([2]),
    Buffer.alloc(200 * 1_024),
  ]);
  it.each<[string, string, Uint8Array, object, string]>([
    [
      'a PDF as image',
      'image',
      PNG,
      { type: 'application/pdf' },
      'Unsupported Image mime type application/pdf',
    ],
    ['a large still sticker', 'sticker', Buffer.alloc(101 * 1_024), { type: 'image/webp' }, 'over the limit'],
    ['an mp3 as voice', 'audio', PNG, { type: 'audio/mpeg', voice: true }, 'ogg'],
  ])('fails with 131053 after acceptance for %s', (_name, kind, bytes, given, words) => {
    const virtual = createOpenConversation();
    const { type, ...more } = given as { type: string };
    const answer = send(virtual, kind, { id: upload(virtual, bytes, type), ...more });
    expect(answerJson(answer).status).toBe(200);
    virtual.run(60_000);
    const [failed] = virtual.statuses();
    expect(failed).toMatchObject({ status: 'failed', errors: [{ code: 131053 }] });
    expect(JSON.stringify(failed)).toContain(words);
  });

  it('takes a large sticker that moves', () => {
    const virtual = createOpenConversation();
    send(virtual, 'sticker', { id: upload(virtual, animated, 'image/webp') });
    virtual.run(60_000);
    expect(virtual.statuses()[0]).toMatchObject({ status: 'sent' });
  });
});
