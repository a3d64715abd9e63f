/** A voice note for who has no microphone: a murmur of a few syllables. */
import { voiceHz } from './ogg.ts';

const seconds = 3.2;
const syllablesPerSecond = 4.2;

export function murmur(): Float32Array {
  const samples = new Float32Array(voiceHz * seconds);
  let phase = 0;
  for (let at = 0; at < samples.length; at += 1) {
    const second = at / voiceHz;
    const spoken = second * syllablesPerSecond;
    const isPause = second % 1.1 > 0.86;
    const pitchHz = 128 + 26 * Math.sin(second * 2.1) + 14 * Math.sin(Math.floor(spoken) * 1.7);
    phase += (2 * Math.PI * pitchHz) / voiceHz;
    const voice =
      Math.sin(phase) + 0.5 * Math.sin(2 * phase) + 0.25 * Math.sin(5 * phase) + 0.12 * Math.sin(8 * phase);
    samples[at] = isPause ? 0 : 0.22 * voice * Math.sin(Math.PI * (spoken % 1)) ** 2;
  }
  return samples;
}
