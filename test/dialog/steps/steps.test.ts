/** Each branch that the steps write for the author, seen as a customer meets it. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { checkDialog } from '#core/dialog/check/check.ts';
import { defineDialog } from '#core/dialog/define.ts';
import { defaultTexts } from '#core/dialog/fallback.ts';
import { fetchMedia } from '#core/dialog/fetch-media.ts';
import { driveDialog } from '#testing/dialog/drive-dialog.ts';
import { shop } from './shop.ts';

const hourMs = 3_600_000;

/** A customer who has come to the question for the style. */
const atStyle = (first = 'hi', name = 'Carmen') => driveDialog(shop).say(first).say(name);
const atPicking = () =>
  atStyle()
    .tap('Comic')
    .activityDone('draw', { designs: ['a', 'b'] });
const atPaying = () => atPicking().tap('Design 2').tap('Yes');

test('a gift is bought, in English', () => {
  const ana = driveDialog(shop);
  ana.say('good morning').sees('Welcome to the gift shop!').sees('Whom is the gift for?');
  ana.say('Carmen').sees({
    text: 'Which style would Carmen like?',
    options: ['Watercolour', 'Comic'],
  });
  ana.tap('Watercolour').sees('I am painting, this takes a minute.');
  expect(ana.running).toEqual([{ name: 'draw', input: { name: 'Carmen', style: 'watercolor' } }]);
  ana.activityDone('draw', { designs: ['a', 'b'] });
  expect(ana.said).toEqual([
    '[image]',
    '[image]',
    'Which one do you take?\n[Design 1] [Design 2] [Again, please]',
  ]);
  ana.tap('Design 2').sees({ text: 'Design 2 it is?', options: ['Yes', 'No'] });
  ana.tap('Yes').sees({ text: 'Your gift: 20 €', type: 'interactive' }).sees('Pay on the page; I wait here.');
  ana.business('payment.succeeded', { order: 'A1' }).sees('Thank you! Your order is A1.').seesNothing();
  ana.business('order.shipped').sees('Your gift is on its way!');
  ana.say('hello again').sees('Welcome to the gift shop!').sees('Whom is the gift for?');
  expect(ana.context.order).toBeUndefined();
  expect(ana.flags).toEqual([]);
});

test('and in Spanish, by a first word or at any time', () => {
  const ana = driveDialog(shop);
  ana.say('¡Hola!').sees('¡Bienvenido a la tienda!');
  ana.say('Carmen').sees({ text: '¿Qué estilo le gustaría a Carmen?', options: ['Acuarela', 'Cómic'] });
  ana.say('ENGLISH').sees('Which style would Carmen like?');
  ana.say('en español').sees('¿Qué estilo le gustaría a Carmen?');
  ana.say('comic').sees('Estoy pintando, tardo un minuto.');
  expect(driveDialog(shop, { settings: { extra: { language: 'es' } } }).say('Order please').said[0]).toBe(
    '¡Bienvenido a la tienda!',
  );
});

test('the language outlives all else', () => {
  const ana = atStyle('hola').say('cancelar').say('Hey, es urgente');
  ana.sees('¡Bienvenido a la tienda!');
  expect(ana.context.name).toBeUndefined();
});

describe('what is no answer asks again and leads nowhere', () => {
  test('a kind of message that cannot be one', () => {
    const ana = driveDialog(shop).say('hi');
    for (const kind of ['voice', 'image', 'sticker', 'location', 'order', 'unknown'] as const) {
      ana.sends(kind).sees('I cannot use this kind of message here.\n\nWhom is the gift for?').seesNothing();
      expect(ana.state).toBe('name');
    }
  });

  test('words that do not fit', () => {
    const ana = driveDialog(shop).say('hi').say('x'.repeat(31));
    expect(ana.said).toEqual(['I did not understand that.\n\nWhom is the gift for?']);
    ana.say('Carmen').say('the blue one');
    expect(ana.said).toEqual([
      'Please choose one of these; a number is enough.\n\nWhich style would Carmen like?\n[Watercolour] [Comic]',
    ]);
    expect(ana.state).toBe('style');
  });

  test.each([
    ['a text', 4_090, 0],
    ['buttons', 1_020, 1],
  ])('and asks with %s as long as Meta takes, the words before it apart', (_, size, options) => {
    const long = defineDialog({
      name: 'long',
      version: 1,
      context: z.object({}),
      start: 'asking',
      states: ({ choose, end }) => ({
        asking: choose({
          question: '¿'.repeat(size),
          options: [{ id: 'go', title: 'Go' }].slice(0, options),
          next: 'done',
        }),
        done: end({ say: 'Bye.' }),
      }),
    });
    const ana = driveDialog(long).say('hi').voice();
    const shown = `${'¿'.repeat(size)}${options === 0 ? '' : '\n[Go]'}`;
    expect(ana.said).toEqual(['I cannot use this kind of message here.', shown]);
  });

  test.each(['comic', 'COMIC!', '2', '2.', 'Cómic', 'number 2', 'com', 'I would like Comic please'])(
    'but "%s" means the option',
    (words) => {
      expect(atStyle().say(words).context.style).toBe('comic');
    },
  );
});

describe('time', () => {
  test('who falls silent is reminded once, and after a week the dialog begins anew without a word', () => {
    const ana = atStyle().advance(2 * hourMs - 1);
    expect(ana.said).toEqual([]);
    ana.advance(1);
    expect(ana.said).toHaveLength(1);
    ana.sees(/^Are you still there.*\n\nWhich style would Carmen like\?$/);
    expect(ana.advance(24 * hourMs).said).toEqual([]);
    expect(ana.advance(7 * 24 * hourMs).said).toEqual([]);
    expect(ana.state).toBe('beginning');
    ana.say('hi').sees('Welcome to the gift shop!');
  });

  test('a message in between puts the reminder off', () => {
    const ana = atStyle().advance(hourMs).say('hmm').advance(hourMs);
    expect(ana.said).toEqual([]);
    expect(ana.advance(hourMs).said).toHaveLength(1);
  });

  test('who comes back after hours goes on where they were', () => {
    const ana = driveDialog(shop)
      .say('hi')
      .advance(4 * hourMs);
    ana.say('hello').sees(/^Welcome back!.*\n\nWhom is the gift for\?$/);
    ana
      .say('Carmen')
      .advance(5 * hourMs)
      .say('good evening');
    expect(ana.said[0]).toMatch(/^Welcome back!/);
    expect(ana.advance(4 * hourMs).say('watercolour').state).toBe('generating');
  });
});

describe('commands', () => {
  test.each([
    ['cancel', /^All right, cancelled/, 'beginning'],
    ['Cancelar', /^All right, cancelled/, 'beginning'],
    ['menu', 'Whom is the gift for?', 'name'],
    ['MENÚ', 'Whom is the gift for?', 'name'],
    ['help', /^Answer the question below.*\n\nWhich style would Carmen like\?$/, 'style'],
    ['ayuda', /^Answer the question below/, 'style'],
    ['human', 'A person from our team will answer you here.', 'style'],
    ['persona', 'A person from our team will answer you here.', 'style'],
  ])('"%s"', (word, seen, state) => {
    const ana = atStyle().say(word).sees(seen).seesNothing();
    expect(ana.state).toBe(state);
    const isHuman = /human|persona/.test(word);
    expect([ana.flags, ana.isHandedOff]).toEqual(isHuman ? [['customerAsked'], true] : [[], false]);
  });

  test('"help" names only what is heeded', () => {
    const ana = atStyle().tap('Comic').say('help');
    expect(ana.said).toEqual([
      'Please wait a moment, or write “human” to talk to a person.\n\nI am still working on it, one moment please.',
    ]);
    expect(ana.say('human').isHandedOff).toBe(true);
    expect(atStyle('hola').tap('Cómic').say('ayuda').said[0]).toMatch(/^Espera un momento/);
  });

  test('a person hands back, and the question is asked again', () => {
    const ana = atStyle().say('human').handedBack();
    expect(ana.said).toEqual(['Which style would Carmen like?\n[Watercolour] [Comic]']);
    ana.tap('Comic');
    expect(ana.state).toBe('generating');
  });

  test('one that is turned off, one with other words', () => {
    const dialog = defineDialog({
      name: 'quiet',
      version: 1,
      context: z.object({ name: z.string().optional() }),
      start: 'name',
      states: ({ ask, end }) => ({
        name: ask({ question: 'Name?', keep: 'name', next: 'done' }),
        done: end({ say: ({ name }) => `Bye ${name}` }),
      }),
      commands: { cancel: false, help: { words: ['sos'], say: 'No help here.' } },
    });
    driveDialog(dialog).say('hi').say('cancel').sees('Bye cancel');
    driveDialog(dialog).say('hi').say('SOS').sees('No help here.').sees('Name?');
  });
});

describe('work', () => {
  test('while it runs nothing starts, and whoever writes is told', () => {
    const ana = atStyle().tap('Comic');
    for (const act of [() => ana.say('and?'.slice(0, 3)), () => ana.voice(), () => ana.say('cancel')]) {
      act();
      expect(ana.said).toEqual(['I am still working on it, one moment please.']);
    }
    expect(ana.running).toHaveLength(1);
    expect(ana.state).toBe('generating');
  });

  test.each([
    ['failed', 'That went wrong, nothing was charged.'],
    ['uncertain', 'That went wrong, nothing was charged.'],
    ['deadline', 'That took too long.'],
  ])('%s leads on', (code, words) => {
    const ana = atStyle().tap('Comic').activityFails('draw', code).sees(words);
    ana.sees('Which style would Carmen like?');
    expect(ana.tap('Comic').running).toHaveLength(1);
  });

  test('a refusal is told before anything is said of the work, by what there is already', () => {
    const ana = atStyle().refuses('designsPerDay').tap('Comic');
    expect(ana.said).toEqual(['No more designs today, come back tomorrow.', 'Thank you!']);
    const ben = atPicking().refuses('designsPerDay').tap('Again, please');
    expect(ben.said[0]).toBe('No more designs today.');
    expect([ben.state, ben.running, ben.context.designs]).toEqual(['picking', [], ['a', 'b']]);
  });

  test('a person who takes over ends it, and the way out is that of a failure', () => {
    const ana = atStyle().tap('Comic').handedBack().sees('That went wrong, nothing was charged.');
    expect(ana.state).toBe('style');
  });
});

describe('taps', () => {
  test('a second one changes nothing and says nothing', () => {
    const ana = atStyle().tap('Comic').tap('Comic').tap('Watercolour');
    expect([ana.said, ana.unanswered, ana.running.length]).toEqual([[], ['secondTap', 'secondTap'], 1]);
    ana.activityDone('draw', { designs: ['a', 'b'] }).tap('Comic');
    expect(ana.said).toEqual([]);
    expect(ana.state).toBe('picking');
  });

  test('one of an earlier question is explained, and the present one asked again', () => {
    const ana = atPicking().tap('Watercolour');
    expect(ana.said).toEqual([
      'That button belongs to an earlier message.\n\nWhich one do you take?\n[Design 1] [Design 2] [Again, please]',
    ]);
    expect(ana.state).toBe('picking');
  });

  test('the buttons of one question stay good until one is tapped', () => {
    const ana = atStyle().say('hmm').say('hmm');
    expect(ana.tap('Comic').state).toBe('generating');
  });
});

describe('questions in the middle of it', () => {
  test('are answered by the assistant, and everything stays where it is', () => {
    const ana = atStyle().say('do you ship to Spain?');
    expect([ana.said, ana.state]).toEqual([[], 'style']);
    expect(ana.running).toEqual([
      { name: 'reply', input: { after: 2, through: 3, about: 'The customer is buying a gift.' } },
    ]);
    ana.activityDone('reply', { text: 'Yes, we do.' });
    expect(ana.said).toEqual(['Yes, we do.', 'Which style would Carmen like?\n[Watercolour] [Comic]']);
    expect(ana.tap('Comic').state).toBe('generating');
  });

  test('a question is no free words, and one about an option is no choice', () => {
    const ana = driveDialog(shop).say('hi').say('do you wrap it?');
    expect([ana.state, ana.running.length]).toEqual(['name', 1]);
    const ben = atStyle().say('is comic very expensive?');
    expect([ben.state, ben.running.length]).toEqual(['style', 1]);
  });

  test('two of them get one answer', () => {
    const ana = atStyle().say('do you ship?').say('and is it free?');
    expect(ana.running.map(({ input }) => input)).toMatchObject([{ after: 2, through: 4 }]);
  });

  test('who goes on meanwhile is not asked the old question again', () => {
    const ana = atStyle().say('do you ship?').tap('Comic').activityDone('reply', { text: 'Yes.' });
    expect(ana.said).toEqual(['Yes.']);
    expect(ana.running).toHaveLength(1);
  });

  test('where there is no answer a person is asked, and the dialog goes on', () => {
    const ana = atStyle().say('do you ship?').activityFails('reply', 'deadline');
    expect(ana.said[0]).toMatch(/^I cannot answer that right now/);
    expect([ana.flags, ana.state]).toEqual([['replyFailed'], 'style']);
  });

  test('the assistant may hand off', () => {
    const ana = atStyle().say('can I talk to your boss?');
    ana.activityDone('reply', { text: 'Of course.', handOff: { reason: 'the boss' } }).sees('Of course.');
    expect(ana.isHandedOff).toBe(true);
  });

  test('without a word of its own the customer is told in their language', () => {
    const ana = atStyle('hola').say('¿me puede llamar su jefe?');
    ana.activityDone('reply', { text: ' ', handOff: { reason: 'the boss' } });
    expect(ana.said).toEqual(['Una persona de nuestro equipo te responderá aquí.']);
    expect(ana.isHandedOff).toBe(true);
  });
});

describe('words that turn out blank', () => {
  const echo = (say: (words: string) => string | readonly string[]) =>
    defineDialog({
      name: 'echo',
      version: 1,
      context: z.object({ words: z.string().default(''), result: z.string().default('') }),
      start: 'asking',
      states: ({ ask, work, end }) => ({
        asking: ask({ question: 'What?', keep: 'words', next: 'told' }),
        told: end({ say: ({ words }) => say(words) }),
        working: work({
          activity: fetchMedia,
          input: () => ({ mediaId: 'm', mimeType: 'image/png' }),
          done: 'told',
          failed: 'told',
          refused: 'told',
        }),
      }),
      commands: { help: { next: 'working', say: 'Wait.' } },
    });

  test.each([
    ['a blank text', () => ' '],
    ['no messages at all', () => []],
  ])('%s: the customer gets the fallback text, a person is asked, and the dialog goes on', (_, say) => {
    const ana = driveDialog(echo(say)).say('hi').say('words');
    expect([ana.said, ana.flags, ana.state]).toEqual([[defaultTexts.fallback], ['unexpected'], 'told']);
    const ben = driveDialog(echo(say)).say('hi').say('help').activityDone('fetchMedia', {});
    expect([ben.said, ben.flags]).toEqual([[defaultTexts.fallback], ['unexpected']]);
  });

  test('one blank among others is no silence', () => {
    const ana = driveDialog(echo((words) => ['', words]))
      .say('hi')
      .say('words');
    expect([ana.said, ana.flags]).toEqual([['words'], []]);
  });
});

describe('the business', () => {
  test('an event of another kind leads elsewhere, a message meanwhile nowhere', () => {
    const ana = atPaying().say('done!');
    expect(ana.said[0]).toMatch(
      /^Nothing has arrived yet.*\n\nPay on the page; I wait here\.\n\[Talk to us\]$/s,
    );
    ana.business('payment.expired').sees('The payment has expired.').sees('Design 2 it is?');
  });

  test('what nothing waits for calls a person', () => {
    expect(atStyle().business('payment.succeeded').flags).toEqual(['businessEvent']);
  });

  test('hand-off, and where it goes on', () => {
    const ana = atPaying().tap('Talk to us').sees('A person from our team will answer you here.');
    expect(ana.isHandedOff).toBe(true);
    expect(ana.handedBack().state).toBe('picking');
  });
});

describe('waiting for media', () => {
  const cards = defineDialog({
    name: 'cards',
    version: 1,
    context: z.object({ photo: z.object({ mediaId: z.string() }).optional() }),
    start: 'photo',
    states: ({ waitForMedia, end }) => ({
      photo: waitForMedia({ kinds: ['image'], question: 'A photo, please.', keep: 'photo', next: 'place' }),
      place: waitForMedia({ kinds: ['location'], question: 'Where to?', next: 'done' }),
      done: end({ say: ({ photo }) => `Got ${photo?.mediaId}.` }),
    }),
  });

  test('takes the kind that it waits for, and no other', () => {
    const ana = driveDialog(cards).say('hi').say('here').voice();
    expect(ana.state).toBe('photo');
    ana.image({ mediaId: 'm7' }).sees({ text: 'Where to?', type: 'interactive' });
    ana.location().sees('Got m7.');
  });
});

test('the checker proves the shop', () => {
  const { report } = checkDialog(shop);
  expect(report.findings).toEqual([]);
  expect(report.isProven).toBe(true);
});
