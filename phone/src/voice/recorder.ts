/** The microphone, where the browser allows it. What it records is what WhatsApp would send, as far as the browser can. */
const wanted = ['audio/ogg;codecs=opus', 'audio/mp4;codecs=opus', 'audio/mp4', 'audio/webm;codecs=opus'];

export interface Recording {
  /** The file; null where nothing was recorded. */
  stop(): Promise<Blob | null>;
  cancel(): void;
}

export const canRecord = (): boolean =>
  typeof MediaRecorder !== 'undefined' && navigator.mediaDevices?.getUserMedia !== undefined;

/** Throws when there is no microphone or it is not allowed. */
export async function record(): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const mimeType = wanted.find((each) => MediaRecorder.isTypeSupported(each));
  const recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType });
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => {
    if (data.size > 0) parts.push(data);
  };
  const stopped = new Promise<void>((resolve) => {
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop();
      resolve();
    };
  });
  recorder.start();
  return {
    async stop() {
      recorder.stop();
      await stopped;
      const type = (parts[0]?.type ?? recorder.mimeType).replace(/;\s*/g, '; ');
      return parts.length === 0 ? null : new Blob(parts, { type });
    },
    cancel() {
      recorder.onstop = null;
      recorder.stop();
      for (const track of stream.getTracks()) track.stop();
    },
  };
}
