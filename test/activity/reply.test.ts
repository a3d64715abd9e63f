import { expect, test } from 'vitest';
import type { ModelRequest } from '#core/ports/model.ts';
import type { HistoryEntry } from '#core/ports/store.ts';
import { Circuits } from '#pipeline/activity/circuit.ts';
import { createReplyHandler } from '#pipeline/activity/reply.ts';
import { Directory } from '#runtime/directory.ts';

const said = (position: number, text: string, seen = false): HistoryEntry => ({
  ...{ role: 'customer', fence: position, position, atMs: position, kind: 'text', text, seen },
});

/** What a model is asked, or null where it is not asked. */
const asked = async (entries: HistoryEntry[], input: unknown): Promise<string[] | null> =>
  (await requestFor(entries, input))?.messages.map(({ text }) => text) ?? null;

async function requestFor(entries: HistoryEntry[], input: unknown): Promise<ModelRequest | undefined> {
  const requests: ModelRequest[] = [];
  const handler = createReplyHandler({
    store: { readHistory: async () => entries },
    directory: new Directory(),
    circuits: new Circuits(() => 0),
    model: {
      name: 'fake',
      async reply(request) {
        requests.push(request);
        return { text: 'yes', usage: { model: 'fake', inputTokens: 1, outputTokens: 1 } };
      },
    },
  });
  const activity = {
    ...{ ref: { tenantId: 't', conversationId: 'c' }, activityId: 'a', name: 'reply', input, fence: 9 },
    ...{ phoneNumberId: 'n', contactId: 'k', deadlineMs: 1, deadlineAtMs: 1, restarts: 0 },
  };
  await handler(activity, new AbortController().signal, false, 1);
  return requests[0];
}

test('asks about what is left to the bot', async () => {
  expect(await asked([said(1, 'a'), said(2, 'b')], { after: 1, through: 2 })).toEqual(['a', 'b']);
});

test('asks nothing about what an operator has seen', async () => {
  expect(await asked([said(1, 'a'), said(2, 'b', true)], { after: 1, through: 2 })).toBeNull();
});

// Simulation seed 100209: an answer to nothing but what had been answered before.
test('asks nothing about what a merge has moved behind it', async () => {
  expect(await asked([said(1, 'a'), said(7, 'b')], { after: 1, through: 2 })).toBeNull();
});

test('a dialog of one’s own may ask without naming positions', async () => {
  expect(await asked([said(1, 'a')], {})).toEqual(['a']);
});

test('tells the model what a dialog says of the moment, behind the prompt of the number', async () => {
  const plain = await requestFor([said(1, 'a')], { after: 0, through: 1 });
  const told = await requestFor([said(1, 'a')], { after: 0, through: 1, about: 'She buys a gift.' });
  expect(told?.system).toBe(`${plain?.system}\n\nShe buys a gift.`);
});
