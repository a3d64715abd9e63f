import { describe, expect, test } from 'vitest';
import type { ModelMessage, ModelRequest } from '#core/ports/model.ts';
import type { Timers } from '#core/ports/world.ts';
import { createDemoModel } from '#runtime/models/demo.ts';

/** Timers that run when the test says so; a wait of 0 ms ends at once. */
function manualTimers() {
  const waiting: { delayMs: number; fn: () => void }[] = [];
  const timers: Timers = {
    after(delayMs, fn) {
      const entry = { delayMs, fn };
      if (delayMs === 0) fn();
      else waiting.push(entry);
      return () => void waiting.splice(waiting.indexOf(entry), 1);
    },
    soon: (fn) => fn(),
  };
  return { timers, waiting };
}

function request(messages: ModelMessage[], rest: Partial<ModelRequest> = {}): ModelRequest {
  const signal = new AbortController().signal;
  return { tenantId: 'a', system: '', messages, offerHandOff: true, signal, idempotencyKey: 'k', ...rest };
}

/** A conversation: the customer's texts, each answered by the model, the last answer returned. */
async function talk(...texts: string[]): Promise<string> {
  const model = createDemoModel(manualTimers());
  const messages: ModelMessage[] = [];
  for (const text of texts) {
    messages.push({ role: 'user', text });
    messages.push({ role: 'assistant', text: (await model.reply(request([...messages]))).text });
  }
  return messages.at(-1)!.text;
}

describe('what it says', () => {
  test.each([
    ['Hello', /^Hello! I am the demo assistant\. .*\?$/],
    ['hola', /^¡Hola! .*\?$/],
    ['When are you open?', /Monday to Saturday.*made up/],
    ['¿A qué hora abren?', /lunes a sábado.*inventado/],
    ['How much is the blue mug?', /^“blue mug” costs \$\d+ \(a made-up price\)/],
    ['¿Cuánto cuesta la taza azul?', /^«taza azul» cuesta \$\d+/],
    ['price?', /^That costs \$\d+/],
    ['My name is ana', /^Nice to meet you, Ana!/],
    ["I'm Bob", /^Nice to meet you, Bob!/],
    ["I'm looking for a lamp", /^You wrote “I'm looking for a lamp”/],
    ['Me llamo José', /^¡Mucho gusto, José!/],
    ['Thank you!', /^You are welcome! .*\?$/],
    ['Bye', /^Goodbye!$/],
    ['Do unicorns like rain', /^You wrote “Do unicorns like rain”\..*\?$/],
    ['Quiero un perro', /^Usted escribió “Quiero un perro”/],
    ['👍', /^You wrote “👍”/],
    ['', /^Hello!/],
  ])('%s', async (text, answer) => {
    expect(await talk(text)).toMatch(answer);
  });

  test('a name is known as long as the history tells it', async () => {
    expect(await talk('I am called Zoë', 'What is my name?')).toMatch(/^Your name is Zoë\./);
    expect(await talk('What is my name?')).toMatch(/^You have not told me/);
    expect(await talk('Soy Marta', '¿Cómo me llamo?')).toMatch(/^Se llama Marta\./);
    expect(await talk('My name is Ana', 'Hello again')).toMatch(/^Hello, Ana!/);
  });

  test('the language of the customer is kept through words of no language', async () => {
    expect(await talk('Hola, ¿cómo está?', 'ok')).toMatch(/^Usted escribió “ok”/);
    expect(await talk('hola', 'Do you have a lamp?')).toMatch(/^You wrote/);
  });

  test('all texts of a burst are answered in one', async () => {
    const burst = ['Hi', 'are you open today?', 'and do you like rain', 'and snow'];
    const messages = burst.map((text): ModelMessage => ({ role: 'user', text }));
    const { text } = await createDemoModel(manualTimers()).reply(request(messages));
    expect(text).toMatch(/^Hello!.* Monday to Saturday.* You wrote “and do you like rain” and “and snow”\./);
  });

  test('the same request has the same answer, and the same thing the same price', async () => {
    expect(await talk('How much is a lamp?')).toBe(await talk('How much is a lamp?'));
    expect(await talk('How much is a lamp?')).not.toBe(await talk('How much is a chair?'));
  });

  test('a long text is quoted in part', async () => {
    expect((await talk(`rain ${'x'.repeat(5_000)}`)).length).toBeLessThan(300);
  });

  test('usage is estimated', async () => {
    const { usage } = await createDemoModel(manualTimers()).reply(
      request([{ role: 'user', text: 'x'.repeat(40) }], { system: 'y'.repeat(40) }),
    );
    expect(usage).toMatchObject({ model: 'demo', inputTokens: 20 });
    expect(usage.outputTokens).toBeGreaterThan(5);
  });
});

describe('what it can be told', () => {
  test.each(['human please', 'hand off', 'I want to talk to a person', 'Quiero hablar con una persona'])(
    'a person is handed the conversation: %s',
    async (text) => {
      const model = createDemoModel(manualTimers());
      const messages: ModelMessage[] = [{ role: 'user', text }];
      expect((await model.reply(request(messages))).handOff?.reason).toMatch(/person/);
      expect((await model.reply(request(messages, { offerHandOff: false }))).handOff).toBeUndefined();
    },
  );

  test('slow 5 answers after five seconds', async () => {
    const { timers, waiting } = manualTimers();
    const answering = createDemoModel({ timers }).reply(request([{ role: 'user', text: 'Slow 5!' }]));
    expect(waiting.map(({ delayMs }) => delayMs)).toEqual([5_000]);
    waiting[0]!.fn();
    expect((await answering).text).toMatch(/^I thought about it for 5 seconds/);
  });

  test('fail fails', async () => {
    const answering = createDemoModel(manualTimers()).reply(request([{ role: 'user', text: 'fail' }]));
    await expect(answering).rejects.toMatchObject({
      name: 'ModelFault',
      code: 'overloaded',
      retryable: false,
    });
  });

  test.each(['hang', 'slow 60', 'Hello'])(
    'an abort ends it at once and leaves no timer: %s',
    async (text) => {
      const { timers, waiting } = manualTimers();
      const abort = new AbortController();
      if (text === 'Hello') abort.abort();
      const answering = createDemoModel({ timers }).reply(
        request([{ role: 'user', text }], { signal: abort.signal }),
      );
      abort.abort();
      await expect(answering).rejects.toMatchObject({ name: 'ModelFault', code: 'network' });
      expect(waiting).toEqual([]);
    },
  );

  test('only the last text commands', async () => {
    expect(await talk('I hope you never fail me')).toMatch(/^You wrote/);
    expect(await talk('hello', 'do not hang')).toMatch(/^You wrote/);
  });
});
