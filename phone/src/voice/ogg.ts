/**
 * Voice notes as WhatsApp has them: Opus in Ogg. Browsers record into other boxes, which Meta does not take, so the sound
 * is encoded by WebCodecs and put into Ogg pages here.
 * Sources: RFC 3533 (Ogg), RFC 7845 (Opus in Ogg).
 */
export const voiceHz = 48_000;
export const voiceType = 'audio/ogg; codecs=opus';

const preSkipFrames = 312;
const bitsPerSecond = 24_000;
const packetsPerPageMax = 50;
const segmentsMax = 255;
const blockFrames = 4_800;

interface Packet {
  readonly bytes: Uint8Array;
  readonly frames: number;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, at) => {
  let value = at << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

function crcOf(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  return crc;
}

const segmentsOf = (bytes: Uint8Array): number => Math.floor(bytes.length / segmentsMax) + 1;

const first = 2;
const last = 4;

interface Page {
  readonly packets: readonly Uint8Array[];
  readonly position: number;
  readonly number: number;
  readonly flags: number;
}

function pageOf({ packets, position, number, flags }: Page): Uint8Array<ArrayBuffer> {
  const lacing = packets.flatMap((bytes) =>
    Array.from({ length: segmentsOf(bytes) }, (_, at) =>
      Math.min(segmentsMax, bytes.length - at * segmentsMax),
    ),
  );
  const size = packets.reduce((sum, { length }) => sum + length, 0);
  const page = new Uint8Array(27 + lacing.length + size);
  const view = new DataView(page.buffer);
  page.set(new TextEncoder().encode('OggS'));
  page[5] = flags;
  view.setBigUint64(6, BigInt(position), true);
  view.setUint32(14, 1, true);
  view.setUint32(18, number, true);
  page[26] = lacing.length;
  page.set(lacing, 27);
  let at = 27 + lacing.length;
  for (const bytes of packets) {
    page.set(bytes, at);
    at += bytes.length;
  }
  view.setUint32(22, crcOf(page), true);
  return page;
}

function head(): Uint8Array {
  const bytes = new Uint8Array(19);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('OpusHead'));
  bytes[8] = 1;
  bytes[9] = 1;
  view.setUint16(10, preSkipFrames, true);
  view.setUint32(12, voiceHz, true);
  return bytes;
}

function tags(): Uint8Array {
  const vendor = new TextEncoder().encode('nightdesk-phone');
  const bytes = new Uint8Array(8 + 4 + vendor.length + 4);
  bytes.set(new TextEncoder().encode('OpusTags'));
  new DataView(bytes.buffer).setUint32(8, vendor.length, true);
  bytes.set(vendor, 12);
  return bytes;
}

function fileOf(packets: readonly Packet[]): Blob {
  const pages = [
    pageOf({ packets: [head()], position: 0, number: 0, flags: first }),
    pageOf({ packets: [tags()], position: 0, number: 1, flags: 0 }),
  ];
  let position = preSkipFrames;
  for (let at = 0; at < packets.length; at += packetsPerPageMax) {
    const some = packets.slice(at, at + packetsPerPageMax);
    position += some.reduce((sum, { frames }) => sum + frames, 0);
    const flags = at + packetsPerPageMax >= packets.length ? last : 0;
    pages.push(pageOf({ packets: some.map(({ bytes }) => bytes), position, number: pages.length, flags }));
  }
  return new Blob(pages, { type: voiceType });
}

/** One channel at 48 kHz as an Ogg file; null where the browser has no encoder. */
export async function encodeVoice(samples: Float32Array): Promise<Blob | null> {
  const config: AudioEncoderConfig = {
    codec: 'opus',
    sampleRate: voiceHz,
    numberOfChannels: 1,
    bitrate: bitsPerSecond,
  };
  if (typeof AudioEncoder === 'undefined') return null;
  if (!(await AudioEncoder.isConfigSupported(config)).supported) return null;
  const packets: Packet[] = [];
  let broken: Error | null = null;
  const encoder = new AudioEncoder({
    output(chunk) {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      packets.push({ bytes, frames: Math.round(((chunk.duration ?? 20_000) * voiceHz) / 1_000_000) });
    },
    error(error) {
      broken = error;
    },
  });
  encoder.configure(config);
  for (let at = 0; at < samples.length; at += blockFrames) {
    const data = Float32Array.from(samples.subarray(at, at + blockFrames));
    const timestamp = Math.round((at * 1_000_000) / voiceHz);
    const block = new AudioData({
      format: 'f32',
      sampleRate: voiceHz,
      numberOfFrames: data.length,
      numberOfChannels: 1,
      timestamp,
      data,
    });
    encoder.encode(block);
    block.close();
  }
  await encoder.flush();
  encoder.close();
  return broken === null ? fileOf(packets) : null;
}

/** Whatever the browser recorded, as a voice note; as it is where it cannot be turned into one. */
export async function voiceNoteOf(recorded: Blob): Promise<Blob> {
  if (recorded.type.startsWith('audio/ogg')) return recorded;
  const context = new OfflineAudioContext(1, 1, voiceHz);
  const sound = await context.decodeAudioData(await recorded.arrayBuffer());
  const encoded = await encodeVoice(sound.getChannelData(0));
  return encoded ?? recorded;
}
