/**
 * The model that answers when there is no key, so that the first five minutes end with an answer on the phone. It is a
 * pure function of the request and of the timers it is given: it knows a few topics, remembers a name as long as the
 * history does, answers in the customer's language, and does mischief on demand: "slow 5", "fail", "hang".
 *
 * To teach it a topic, add its pattern and its words to `Phrases` and a line to `answersTo`.
 */
import { type ModelAnswer, type ModelClient, ModelFault, type ModelRequest } from '#core/ports/model.ts';
import type { Timers } from '#core/ports/world.ts';
import { languages, type Phrases } from './demo-phrases.ts';

const modelName = 'demo';
/** About what a token of the real models is, so that the books have plausible numbers. */
const charsPerToken = 4;
const slowSecondsMax = 600;
const quoteCharsMax = 80;

export function createDemoModel({ timers }: { timers: Timers }): ModelClient {
  return {
    name: modelName,
    reply: (request) =>
      new Promise((resolve, reject) => {
        const { signal } = request;
        if (signal.aborted) return reject(abortFault());
        const plan = planOf(request);
        const takeBack = plan.waitMs === undefined ? () => {} : timers.after(plan.waitMs, end);
        signal.addEventListener('abort', onAbort, { once: true });

        function end(): void {
          signal.removeEventListener('abort', onAbort);
          if (plan.fault === undefined) resolve(plan.answer);
          else reject(plan.fault);
        }
        function onAbort(): void {
          takeBack();
          reject(abortFault());
        }
      }),
  };
}

/** `waitMs` undefined: it never ends by itself. */
interface Plan {
  waitMs: number | undefined;
  fault?: ModelFault;
  answer: ModelAnswer;
}

function planOf(request: ModelRequest): Plan {
  const asked = textsToAnswer(request);
  const last = asked.at(-1) ?? '';
  const seconds = Math.min(Number(/^\W*slow\s+(\d{1,4})\W*$/iu.exec(last)?.[1] ?? 0), slowSecondsMax);
  const answer = answerTo(request, asked, seconds);
  if (/^\W*hang\W*$/iu.test(last)) return { waitMs: undefined, answer };
  if (/^\W*fail\W*$/iu.test(last)) {
    const message = 'The demo model was told to fail, so it did. Ask it something else.';
    return { waitMs: 0, answer, fault: new ModelFault('overloaded', message, { retryable: false }) };
  }
  return { waitMs: seconds * 1_000, answer };
}

/** What the customer wrote since the last answer. */
function textsToAnswer({ messages }: ModelRequest): string[] {
  const lastAnswer = messages.findLastIndex(({ role }) => role === 'assistant');
  return messages.slice(lastAnswer + 1).map(({ text }) => text);
}

function answerTo(request: ModelRequest, asked: readonly string[], slowSeconds: number): ModelAnswer {
  const written = request.messages.filter(({ role }) => role === 'user').map(({ text }) => text);
  const phrases = languageOf(written);
  const { say } = phrases;
  const wantsPerson = asked.some((text) => phrases.person.test(text) || /\bhand ?-?off\b/iu.test(text));
  if (wantsPerson) {
    const text = request.offerHandOff ? say.handOff : say.cannotHandOff;
    const usage = usageOf(request, text);
    return request.offerHandOff ? { text, usage, handOff: { reason: say.personReason } } : { text, usage };
  }
  const name = nameIn(written);
  const answers = slowSeconds > 0 ? [say.slept(slowSeconds)] : answersTo(asked, phrases, name);
  const isFarewell = asked.some((text) => phrases.bye.test(text));
  // No question about a name that is known; which of the others depends only on how long the conversation is.
  const questions = say.questions.filter((_, i) => name === '' || i !== 2);
  const question = isFarewell ? [] : [questions[request.messages.length % questions.length]!];
  const text = [...answers, ...question].join(' ');
  return { text, usage: usageOf(request, text) };
}

/** One answer for each topic that was touched, or else the words themselves, so that nothing is passed over. */
function answersTo(asked: readonly string[], phrases: Phrases, name: string): string[] {
  const { say } = phrases;
  const answers = new Set<string>();
  const unknown: string[] = [];
  for (const text of asked) {
    const before = answers.size;
    const told = nameIn([text]);
    const hasName = told !== '' && !phrases.nameAsked.test(text);
    if (phrases.greeting.test(text)) answers.add(say.hello(hasName ? '' : name));
    if (hasName) answers.add(say.niceToMeet(told));
    if (phrases.nameAsked.test(text)) answers.add(name === '' ? say.noName : say.yourName(name));
    if (phrases.hours.test(text)) answers.add(say.hours);
    if (phrases.price.test(text)) answers.add(priceAnswer(text, phrases));
    if (phrases.thanks.test(text)) answers.add(say.thanks);
    if (phrases.bye.test(text)) answers.add(say.bye(name));
    if (answers.size === before && text.trim() !== '') unknown.push(quoted(text));
  }
  if (unknown.length > 0) answers.add(say.wrote(unknown));
  return answers.size === 0 ? [say.hello(name)] : [...answers];
}

/** The same thing always costs the same. */
function priceAnswer(text: string, { priceOf, say }: Phrases): string {
  const thing = priceOf.exec(text)?.[1]?.trim();
  let sum = 0;
  for (const char of (thing ?? '').toLowerCase()) sum = (sum * 31 + char.codePointAt(0)!) % 997;
  return say.price(thing, 5 + (sum % 45));
}

/** The newest text that belongs to one language more than to the others; the first language if there is none. */
function languageOf(written: readonly string[]): Phrases {
  for (const text of written.toReversed()) {
    const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
    const scores = languages.map((phrases) => words.filter((word) => phrases.words.has(word)).length);
    const best = Math.max(...scores);
    const winners = languages.filter((_, i) => scores[i] === best);
    if (winners.length === 1) return winners[0]!;
  }
  return languages[0];
}

/** The name that was told last, or ''. */
function nameIn(written: readonly string[]): string {
  for (const text of written.toReversed()) {
    for (const pattern of languages.flatMap(({ nameTold }) => nameTold)) {
      const name = pattern.exec(text)?.[1];
      if (name !== undefined) return name.charAt(0).toUpperCase() + name.slice(1);
    }
  }
  return '';
}

function quoted(text: string): string {
  const chars = [...text.trim().replace(/\s+/g, ' ')];
  return chars.length <= quoteCharsMax
    ? `“${chars.join('')}”`
    : `“${chars.slice(0, quoteCharsMax).join('')}…”`;
}

function usageOf({ system, messages }: ModelRequest, answer: string): ModelAnswer['usage'] {
  const inputChars = messages.reduce((sum, { text }) => sum + text.length, system.length);
  return {
    model: modelName,
    inputTokens: Math.ceil(inputChars / charsPerToken),
    outputTokens: Math.ceil(answer.length / charsPerToken),
  };
}

function abortFault(): ModelFault {
  return new ModelFault('network', 'The call of the demo model was aborted. Its answer will not be used.', {
    retryable: false,
  });
}
