/** Texts of a number by language: what the assistant and the runtime say where no answer could be made. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { assistant } from '#core/dialog/assistant.ts';
import { defineDialog } from '#core/dialog/define.ts';
import { defaultTexts } from '#core/dialog/fallback.ts';
import type { NumberSettings } from '#core/ports/tenants.ts';
import { readTenantsFile } from '#runtime/tenants-file.ts';
import { driveDialog } from '#testing/dialog/drive-dialog.ts';

const settings: NumberSettings = {
  fallbackText: { en: 'One moment, we will write.', es: 'Un momento, te escribimos.' },
  unsupportedText: { en: 'In words, please.', es: 'Por escrito, por favor.' },
};
const asks = (words: string, of: NumberSettings = settings) =>
  driveDialog(assistant, { settings: of }).say(words);

test('the assistant falls back in the language that the customer spoke', () => {
  asks('hola, ¿qué tal?').activityFails('reply').sees('Un momento, te escribimos.');
  asks('Good morning').activityFails('reply').sees('One moment, we will write.');
  const ana = asks('hola').activityDone('reply', { text: 'Dime.' });
  ana.say('3 please').activityFails('reply', 'deadline').sees('Un momento, te escribimos.');
  ana.voice().sees('Por escrito, por favor.');
});

test('else in that of the number, else in the first; one text is for all, as before', () => {
  asks('3', { ...settings, extra: { language: 'es' } })
    .activityFails('reply')
    .sees('Un momento, te escribimos.');
  asks('3').activityFails('reply').sees('One moment, we will write.');
  asks('hola', { fallbackText: 'Later.' }).activityFails('reply').sees('Later.');
  asks('hola', {}).activityFails('reply').sees(defaultTexts.fallback);
});

test('a dialog of steps that has no words falls back in its language', () => {
  const wordless = defineDialog({
    name: 'wordless',
    version: 1,
    context: z.object({}),
    texts: { en: { who: 'Who?' }, es: { who: '¿Quién?' } },
    start: 'name',
    states: ({ ask, end, text }) => ({
      name: ask({ question: text('who'), next: 'met' }),
      met: end({ say: () => '' }),
    }),
  });
  driveDialog(wordless, { settings }).say('hola').say('Ana').sees('Un momento, te escribimos.');
  driveDialog(wordless, { settings: { fallbackText: { es: 'Luego.', en: 'Later.' } } })
    .say('3')
    .say('Ana')
    .sees('Later.');
});

test('the file of the tenants takes both, and says what it takes', () => {
  const file = (fallbackText: unknown) => ({
    tenants: [{ id: 'acme', wabaId: '1', phoneNumbers: [{ id: '2', settings: { fallbackText } }] }],
  });
  const read = (text: unknown) =>
    readTenantsFile(file(text), ['assistant'])[0]?.phoneNumbers[0]?.settings.fallbackText;
  expect(read('Later.')).toBe('Later.');
  expect(read({ en: 'Later.', 'pt-BR': 'Depois.' })).toEqual({ en: 'Later.', 'pt-BR': 'Depois.' });
  for (const wrong of [{}, { en: '' }, { 'not a language': 'x' }, 7])
    expect(() => read(wrong)).toThrow(/fallbackText: must be a text .* or one for each language/);
});
