/** Every lifecycle has a page, every page is walked by a test, and a table that is not total is no table. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { pageOf, pagesFolder, readPage } from './page.ts';

const lifecycles = ['activity', 'contact', 'event', 'holder', 'ledger', 'send', 'turn'];

test('there is one page for each lifecycle, and one test that walks it', () => {
  expect(readdirSync(pagesFolder).sort()).toEqual(lifecycles.map((name) => `${name}.md`));
  const tests = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.test.ts'));
  expect(tests.sort()).toEqual([...lifecycles, 'pages'].map((name) => `${name}.test.ts`).sort());
});

test.each(lifecycles)('%s.md gives a reason for each cell that cannot happen, and no other', (name) => {
  const { reasons, used } = readPage(name);
  expect([...reasons.keys()].sort()).toEqual([...used].sort());
  expect([...reasons.values()].filter((why) => why.length < 20)).toEqual([]);
});

describe('a page', () => {
  const head = '| input | a | b |\n|---|---|---|\n';

  test('is read as its states, inputs, marks and reasons', () => {
    const page = pageOf(`# Page\n\n${head}| go | b, mark | !1 |\n| stay | . | . more |\n\n- !1 because\n`);
    expect(page.table('input')).toEqual({
      states: ['a', 'b'],
      rows: [
        {
          input: 'go',
          cells: [
            { text: 'b, mark', next: 'b', marks: ['mark'] },
            { text: '!1', next: null, marks: [] },
          ],
        },
        {
          input: 'stay',
          cells: [
            { text: '.', next: 'a', marks: [] },
            { text: '. more', next: 'b', marks: ['more'] },
          ],
        },
      ],
    });
    expect([...page.reasons, ...page.used]).toEqual([['1', 'because'], '1']);
  });

  test.each(['| go | b |', '| go | b | |', '| go | b | ? |', '| go | b | !x |'])('cannot say %s', (row) => {
    expect(() => pageOf(`${head}${row}\n`)).toThrow();
  });
});
