/** A voice note on its way: recorded, or the murmur for who has no microphone. */
import type { Place } from '../data/control.ts';
import { speak } from '../data/outbox.ts';
import { murmur } from '../voice/murmur.ts';
import { encodeVoice, voiceNoteOf } from '../voice/ogg.ts';
import { sendFile } from './sending.ts';

const extra = { voice: true };
const name = 'voice.ogg';

export async function sendRecorded(place: Place, recorded: Blob): Promise<void> {
  await sendFile(place, { type: 'audio', file: await voiceNoteOf(recorded), name, extra });
}

/** Where the browser encodes no sound, the simulator's own sample is sent. */
export async function sendMurmur(place: Place): Promise<void> {
  const file = await encodeVoice(murmur());
  if (file === null) speak(place, { type: 'audio', ...extra });
  else await sendFile(place, { type: 'audio', file, name, extra });
}
