/** Whatever happens in whatever order: the shop answers, waits for one drawing at most, and never hangs or throws. */
import fc from 'fast-check';
import { test } from 'vitest';
import { type DrivenDialog, driveDialog } from '#testing/dialog/drive-dialog.ts';
import { shop } from './shop.ts';

const words = [
  'hi',
  'hola',
  'Carmen',
  '2',
  'comic',
  'again, please',
  'yes',
  'no',
  'cancel',
  'menu',
  'help',
  'human',
];
const more = ['español', 'english', 'do you ship?', 'x'.repeat(50), '?', ' ', '🎁'];
const titles = ['Comic', 'Acuarela', 'Design 1', 'Again, please', 'Yes', 'Sí', 'Talk to us'];

const acts = fc.oneof(
  { weight: 4, arbitrary: fc.record({ say: fc.constantFrom(...words, ...more) }) },
  {
    weight: 6,
    arbitrary: fc.record({ tap: fc.constantFrom(...titles), times: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ sends: fc.constantFrom('voice', 'image', 'sticker', 'unknown') }) },
  { weight: 1, arbitrary: fc.record({ hours: fc.constantFrom(0.1, 2, 5, 30, 200) }) },
  { weight: 3, arbitrary: fc.record({ ends: fc.constantFrom('done', 'failed', 'deadline', 'uncertain') }) },
  { weight: 1, arbitrary: fc.constant({ refuses: true }) },
  { weight: 1, arbitrary: fc.record({ pays: fc.constantFrom('payment.succeeded', 'payment.expired') }) },
);
type Act = typeof acts extends fc.Arbitrary<infer A> ? A : never;

const offers = (ana: DrivenDialog, title: string) => {
  try {
    return ana.tap(title);
  } catch (error) {
    if (/nothing titled/.test(String(error))) return null;
    throw error;
  }
};

/** The customer did something: it was answered, or is being answered, or a rule says why not. */
function customerActs(ana: DrivenDialog, act: () => DrivenDialog | null): void {
  const rules = ana.unanswered.length;
  if (act() === null) return;
  const isHeard = ana.said.length > 0 || ana.unanswered.length > rules;
  const isThoughtOf = ana.running.some(({ name }) => name === 'reply');
  if (!isHeard && !isThoughtOf) throw new Error(`Silence in ${ana.state}.`);
}

function follow(ana: DrivenDialog, act: Act): void {
  if ('say' in act) customerActs(ana, () => ana.say(act.say));
  else if ('sends' in act) customerActs(ana, () => ana.sends(act.sends as 'voice'));
  else if ('tap' in act)
    for (let time = 0; time < act.times; time += 1) customerActs(ana, () => offers(ana, act.tap));
  else if ('hours' in act) ana.advance(act.hours * 3_600_000);
  else if ('refuses' in act) ana.refuses('designsPerDay', 'draw');
  else if ('pays' in act) ana.business(act.pays, { order: 'A1' });
  else {
    const [running] = ana.running;
    if (running === undefined) return;
    const result = running.name === 'draw' ? { designs: ['a', 'b'] } : { text: 'Yes.' };
    if (act.ends === 'done') ana.activityDone(running.name, result);
    else ana.activityFails(running.name, act.ends);
  }
  if (ana.isHandedOff) ana.handedBack();
}

test('any walk through the shop', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(fc.array(acts, { minLength: 5, maxLength: 40 }), (walk) => {
      const ana = driveDialog(shop);
      for (const act of walk) {
        follow(ana, act);
        const drawings = ana.running.filter(({ name }) => name === 'draw').length;
        if (drawings !== (ana.state === 'generating' ? 1 : 0))
          throw new Error(`${drawings} drawings are under way in ${ana.state}.`);
      }
    }),
    { numRuns: 150 },
  );
});
