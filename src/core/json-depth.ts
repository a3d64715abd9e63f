/**
 * How deep JSON nests, told from its text before it is parsed: three megabytes of brackets keep the parser busy for half
 * a second, and whoever reads what came of them has to go down as far. One pass, linear whatever stands in it.
 */

/** Meta's bodies nest about 12 deep; forms of a waFlow may add some. What a shop tells is flatter. */
export const depthMax = 100;

const quote = 0x22;
const backslash = 0x5c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** Whether the parser would ever stand deeper than `depthMax`. Of what is no JSON, the part before the first error counts. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at);
        if (at < 0) return false;
        break;
      case openList:
      case openObject:
        depth += 1;
        if (depth > depthMax) return true;
        break;
      case closeList:
      case closeObject:
        depth -= 1;
        break;
    }
  }
  return false;
}

/** Where the string that begins at `begin` has its closing quote; -1 where it has none. */
function endOfString(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return -1;
}
