import { expect, test } from 'vitest';
import { turnIds } from '#pipeline/turn/turn-ids.ts';

const lease = { ref: { tenantId: 'acme', conversationId: 'cnv_1' }, ownerId: 'own_1', fence: 7 };
const draw = (of: typeof lease) => {
  const ids = turnIds(of, 1_795_348_800_000);
  return [ids.seed, ids.newId('snd'), ids.newId('snd'), ids.newId('act')];
};

test('a turn that is run again makes the same ids, so a repeated commit cannot say something twice', () => {
  expect(draw(lease)).toEqual(draw(structuredClone(lease)));
});

test('any other turn makes other ids', () => {
  const others = [
    { ...lease, fence: 8 },
    { ...lease, ownerId: 'own_2' },
    { ...lease, ref: { ...lease.ref, conversationId: 'cnv_2' } },
    { ...lease, ref: { ...lease.ref, tenantId: 'bolt' } },
  ];
  const ids = [lease, ...others].flatMap((each) => draw(each).slice(1));
  expect(new Set(ids).size).toBe(ids.length);
});
