/** `nightdesk check` in a project's folder, and `--live` with newer code beside the server that runs the older one. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { numberId, until, Workshop } from './workshop.ts';

const root = resolve(import.meta.dirname, '../..');

let workshop: Workshop;

beforeEach(async () => {
  workshop = await Workshop.open();
  const modules = join(workshop.folder, 'node_modules');
  mkdirSync(modules);
  symlinkSync(root, join(modules, 'nightdesk'));
  symlinkSync(join(root, 'node_modules/xstate'), join(modules, 'xstate'));
});
afterEach(() => workshop.close());

/** A dialog of two questions, the second of which has another name in each version. */
function config({ version = 1, second = 'colour', more = '' }) {
  return `import { defineDialog, dialogActions } from 'nightdesk';
import { setup } from 'xstate';
const say = (text) => ({ type: 'say', params: { text } });
export default { dialogs: [defineDialog({
  name: 'paint', version: ${version}, activities: {}, unexpectedText: () => 'In words, please.', ${more}
  machine: setup({ actions: dialogActions }).createMachine({
    initial: 'size',
    states: {
      size: { on: { text: { target: '${second}', actions: say('And then?') } } },
      ${second}: { on: { text: { target: 'done', actions: say('Ordered.') } } },
      done: { type: 'final' },
    },
  }),
})] };
`;
}

/** The same dialog, written anew with steps. */
function steps(more: string) {
  return `import { defineDialog } from 'nightdesk';
export default { dialogs: [defineDialog({
  name: 'paint', version: 2, start: 'size', ${more}
  context: { '~standard': { version: 1, vendor: 'own', validate: (value) => ({ value: value ?? {} }) } },
  states: ({ ask, end }) => ({ size: ask({ question: 'Which size?', next: 'done' }), done: end({ say: 'Ordered.' }) }),
})] };
`;
}

it('proves what is sound, shows the chat to what is not, and draws both', async () => {
  workshop.write('nightdesk.config.js', config({}));
  const sound = await workshop.run(['check', 'paint']);
  expect(sound).toMatchObject({ code: 0, err: '' });
  expect(sound.out).toMatch(
    /^paint version 1: proven: it cannot hang \(\d+ configurations, \d+ transitions\)\n$/,
  );

  const faulty = config({}).replace("text: { target: 'done', actions: say('Ordered.') }", '');
  workshop.write('nightdesk.config.js', faulty);
  const found = await workshop.run(['check', '--html', 'page.html']);
  expect(found.code).toBe(1);
  expect(found.out).toContain('error deadEnd  Nothing leads on from colour');
  expect(found.out).toContain('    Customer: hello\n    Bot: And then?\n        -> colour\n');
  expect(found.out).toContain('assistant version 1: proven');
  const page = readFileSync(join(workshop.folder, 'page.html'), 'utf8');
  expect(page).toContain('<svg');
  expect(page).toContain('Nothing leads on from colour');
  expect(page).not.toMatch(/<script|src=|href=/);
  const drawn = await workshop.run(['check', 'paint', '--mermaid']);
  expect(drawn.out).toMatch(/^stateDiagram-v2\n {2}state "size" as s\d/);
  const { dialogs } = JSON.parse((await workshop.run(['check', 'paint', '--json'])).out) as {
    dialogs: { dialog: string; isProven: boolean; findings: { rule: string }[] }[];
  };
  expect(dialogs).toMatchObject([{ dialog: 'paint', isProven: false }]);
  expect(dialogs[0]?.findings.map(({ rule }) => rule)).toContain('deadEnd');
});

it('names the dialogs that there are where one is unknown', async () => {
  const { code, out, err } = await workshop.run(['check', 'nothing']);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain('There is no dialog "nothing". Dialogs are assistant.');
});

it('--live lists the conversations that newer code could not continue', async () => {
  workshop.write('nightdesk.config.js', config({}));
  const server = await workshop.start();
  const tenants = workshop.tenants() as { tenants: { phoneNumbers: { dialog?: string }[] }[] };
  for (const tenant of tenants.tenants) for (const number of tenant.phoneNumbers) number.dialog = 'paint';
  await workshop.run(['tenants', 'apply', workshop.write('tenants.json', tenants)]);
  const say = { phoneNumberId: numberId, contact: '16505550001', type: 'text' as const, text: 'hello' };
  await workshop.simulator.control.say(say);
  await until(async () =>
    (await workshop.simulator.control.accepted()).some(({ text }) => text === 'And then?'),
  );

  const live = async (newer: string) => {
    workshop.write('nightdesk.config.js', newer);
    const { code, out } = await workshop.run(['check', '--live', '--json']);
    return { code, live: (JSON.parse(out) as { live: object }).live };
  };
  expect(await live(config({}))).toMatchObject({ code: 0, live: { conversations: 1, continued: 1 } });
  expect(await live(config({ version: 2, second: 'look' }))).toMatchObject({
    code: 1,
    live: { continued: 0, lost: [{ tenantId: 'acme', phoneNumberId: numberId, stateLabel: 'paint/colour' }] },
  });
  const landing = config({ version: 2, second: 'look', more: "landing: 'size'," });
  expect(await live(landing)).toMatchObject({
    code: 0,
    live: { landed: [{ stateLabel: 'paint/colour' }], lost: [] },
  });
  expect(await live(steps(''))).toMatchObject({
    code: 1,
    live: { landed: [], lost: [{ stateLabel: 'paint/colour' }] },
  });
  expect(await live(steps("landing: 'beginning',"))).toMatchObject({
    code: 0,
    live: { landed: [{ stateLabel: 'paint/colour' }], lost: [] },
  });
  workshop.write('nightdesk.config.js', landing);
  await server.stop();
  const alone = await workshop.run(['check', '--live']);
  expect(alone.out).toContain(
    '1 conversation in the store: 0 go on, 1 go to the landing state, 0 would begin anew.',
  );
  expect(alone.out).toMatch(/^acme +cnv_\w+ +\d+ +paint\/colour +landing state$/m);
});
