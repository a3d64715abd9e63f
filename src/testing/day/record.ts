/** Recording a day from a story's events, while it happens. What is done past the control API is not recorded. */
import type { Contact, SimulatorEvent } from '#simulator/index.ts';
import type { Story } from '../story/story.ts';
import { type Day, type DayAct, type DayLine, dayVersion } from './day.ts';

export interface Recorder {
  /** What was recorded so far; grows. */
  readonly lines: readonly DayLine[];
  /** Ends the recording. */
  stop(): Day;
}

export async function recordDay(story: Story): Promise<Recorder> {
  const { control, clock, stage } = story;
  const [numbers, contacts] = await Promise.all([story.numbers(), control.contacts()]);
  const header = { kind: 'day' as const, version: dayVersion, startMs: clock.nowMs(), numbers, contacts };
  const lines: DayLine[] = [];
  const stopListening = stage.listen((event) => {
    const line = lineOf(event, header.startMs);
    if (line !== null) lines.push(line);
  });
  return {
    lines,
    stop() {
      stopListening();
      return { header, lines: [...lines] };
    },
  };
}

function lineOf(event: SimulatorEvent, startMs: number): DayLine | null {
  const atMs = event.atMs - startMs;
  if (event.kind === 'driven') return actOf(event, atMs);
  if (event.kind === 'sendAccepted') {
    const { phoneNumberId, contactId, wamid, type, text, body, replyTo } = event;
    return { kind: 'send', atMs, phoneNumberId, contactId, wamid, type, text, body, replyTo };
  }
  if (event.kind === 'status')
    return { kind: 'status', atMs, wamid: event.wamid, status: event.status, code: event.code };
  if (event.kind === 'sendRefused') {
    const { phoneNumberId, code, httpStatus } = event;
    return { kind: 'refusal', atMs, phoneNumberId, code, httpStatus };
  }
  return null;
}

interface Said {
  wamid: string;
  contactId: string;
  phoneNumberId: string;
  type: string;
  text: string | null;
}

function actOf(event: Extract<SimulatorEvent, { kind: 'driven' }>, atMs: number): DayAct {
  const { method, path, body } = event;
  const { said = [], contact = null } = event.result as { said?: Said | Said[]; contact?: Contact | null };
  const all = Array.isArray(said) ? said : [said];
  // Copied, because what the simulator holds goes on changing.
  return structuredClone({
    kind: 'act',
    ...{ atMs, method, path, body },
    said: all.map(({ wamid, contactId, phoneNumberId, type, text }) => ({
      ...{ wamid, contactId, phoneNumberId },
      words: text ?? `(${type})`,
    })),
    contact,
  });
}
