/** Which items share a call, and which wait for another to come back: several calls are under way, yet what belongs together keeps its order. */
import { describe, expect, it } from 'vitest';
import { Group, type GroupGiven } from '#store/postgres/database/group.ts';

interface Item {
  name: string;
  keys: string[];
}

interface Call {
  names: string[];
  end(): Promise<void>;
}

/** A database whose calls are under way until the test ends them. */
function build(given: Partial<GroupGiven<Item, string>> = {}) {
  const calls: Call[] = [];
  const group = new Group<Item, string>(
    {
      soon: queueMicrotask,
      crashPoints: undefined,
      attempt: <T>(_name: string, input: object) =>
        new Promise<T>((resolve) => {
          const names = (input as { items: Item[] }).items.map(({ name }) => name);
          const end = async () => {
            resolve(names as T);
            await settled();
          };
          calls.push({ names, end });
        }),
    },
    { function: 'write', keysOf: ({ keys }) => keys, ...given },
  );
  const submit = async (name: string, ...keys: string[]) => {
    void group.submit({ name, keys });
    await settled();
  };
  return { calls, submit, namesOf: () => calls.map(({ names }) => names) };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

describe('a group of calls', () => {
  it('has two under way, of items that share nothing', async () => {
    const { submit, calls, namesOf } = build();
    await submit('ann 1', 'ann');
    await submit('bob 1', 'bob');
    await submit('eve 1', 'eve');
    expect(namesOf()).toEqual([['ann 1'], ['bob 1']]);
    await calls[1]?.end();
    expect(namesOf()).toEqual([['ann 1'], ['bob 1'], ['eve 1']]);
  });

  it('sends a second call only when enough waits for it, and what waits when the first is back', async () => {
    const { submit, calls, namesOf } = build({ besideMin: 2 });
    for (const name of ['first', 'second']) await submit(name, name);
    expect(namesOf()).toEqual([['first']]);
    await submit('third', 'third');
    expect(namesOf()).toEqual([['first'], ['second', 'third']]);
    await submit('fourth', 'fourth');
    for (const { end } of [...calls]) await end();
    expect(namesOf().at(-1)).toEqual(['fourth']);
  });

  it('keeps items that share a key in their order: none goes while an earlier one is under way', async () => {
    const { submit, calls, namesOf } = build();
    await submit('ann 1', 'ann');
    await submit('ann 2', 'ann');
    await submit('bob 1', 'bob');
    expect(namesOf()).toEqual([['ann 1'], ['bob 1']]);
    await calls[0]?.end();
    expect(namesOf().at(-1)).toEqual(['ann 2']);
  });

  it('lets nothing pass an item that waits and shares a key with it', async () => {
    const { submit, calls, namesOf } = build();
    await submit('ann 1', 'ann');
    await submit('ann or bob', 'ann', 'bob');
    await submit('bob 1', 'bob');
    await submit('eve 1', 'eve');
    expect(namesOf()).toEqual([['ann 1'], ['eve 1']]);
    await calls[0]?.end();
    expect(namesOf().at(-1)).toEqual(['ann or bob', 'bob 1']);
  });

  it('lets nothing pass one that no longer fits into a call', async () => {
    const { submit, calls, namesOf } = build({ costOf: ({ name }) => (name === 'large' ? 200 : 100) });
    for (const name of ['first', 'second', 'small', 'large', 'later']) await submit(name, name);
    await calls[0]?.end();
    expect(namesOf().at(-1)).toEqual(['small']);
    await calls[1]?.end();
    expect(namesOf().at(-1)).toEqual(['large']);
  });
});
