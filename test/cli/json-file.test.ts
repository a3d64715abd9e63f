import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultAt } from '#surface/cli/json-file.ts';

describe('the place where a text stops being JSON', () => {
  it.each([
    ['', 0],
    ['{"a": 1,}', 8],
    ['{"a" 1}', 5],
    ['[1 2]', 3],
    ['{"a": tru}', 6],
    ['{"a": 1} x', 9],
    ['{"a": "b\n"}', 6],
    ['[[], {}, [1.5e3, -0], "\\u00e9"', 30],
    ["{'a': 1}", 1],
  ])('of %j is %i', (text, at) => {
    expect(faultAt(text)).toBe(at);
  });

  it('is the end for whatever is JSON, and before it for whatever is cut', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(faultAt(text)).toBe(text.length);
        expect(faultAt(`${text}]`)).toBe(text.length);
      }),
    );
  });
});
