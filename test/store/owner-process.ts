/**
 * A process of its own that opens a store, for tests that kill it. It speaks in lines: `owned` or `refused <reason>`, then,
 * if told to append, the wamid of each message after its append resolved. It never ends by itself once it owns the file.
 */
import { writeSync } from 'node:fs';
import { openSqliteStore, StoreRefused } from '#store/sqlite/index.ts';
import { seededRandom } from '#testing/fake-world.ts';
import { phoneNumber, Scene } from '#testing/store-conformance/scene.ts';

const [path = '', task = 'hold'] = process.argv.slice(2);

function open() {
  try {
    return openSqliteStore({ path, soon: (fn) => void setImmediate(fn), random: seededRandom(3) });
  } catch (error) {
    writeSync(1, `refused ${error instanceof StoreRefused ? error.reason : String(error)}\n`);
    process.exit(2);
  }
}

const store = open();
writeSync(1, 'owned\n');
process.stdin.resume();

if (task === 'append') {
  const scene = new Scene({ store, close: () => store.close() });
  const number = phoneNumber();
  for (let round = 0; ; round++) {
    const group = Array.from({ length: 1 + (round % 7) }, () =>
      scene.message('x', { from: { bsuid: `US.${round % 5}` } }),
    );
    await Promise.all(
      group.map(async (message) => {
        await scene.appendTo(number, message);
        writeSync(1, `${message.wamid}\n`);
      }),
    );
  }
}
