/** Keys, secrets of payment providers and what a shop tells stand in no log, no metric, no list and no answer. */
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { runCommand } from '#runtime/commands.ts';
import { inWords } from '#surface/cli/results.ts';
import { found } from '../security/canaries.ts';
import { type Answer, tenantOf } from '../security/door.ts';
import { acme, makeKey, openShop, paid } from './shop.ts';

const words = {
  data: 'quokka-zeppelin-4417',
  phone: '16505557391',
  idempotencyKey: 'plinth-pangolin-88',
  stripeSecret: 'whsec_canary_5f1c9d27ab',
  metadata: 'marmoset-parade-77',
};

test('whatever is told and however it fails, nothing of it leaves', async () => {
  const lines: string[] = [];
  const shop = await openShop({ log: (line) => lines.push(line) });
  const { door, key } = shop;
  await door.apply([{ ...tenantOf(acme), stripeWebhookSecrets: [words.stripeSecret] }]);
  const revoked = await makeKey(door, acme.id);
  await runCommand(door.nightdesk, 'keys.revoke', { ...revoked, tenantId: acme.id, by: 'ann' });
  const { idempotencyKey } = words;
  const fact = { ...paid, data: { note: words.data } };
  const answers: Answer[] = [];
  answers.push(await shop.tell(fact, { idempotencyKey }));
  answers.push(await shop.tell(fact, { idempotencyKey }));
  answers.push(await shop.tell({ ...fact, data: words.data }, { idempotencyKey }));
  answers.push(await shop.tell({ ...fact, contact: { phone: words.phone } }));
  answers.push(await shop.tell({ ...fact, [words.data]: 1 }));
  answers.push(await shop.tell({ ...fact, name: `${words.data} ` }));
  answers.push(await shop.tell(null, { raw: `{"data":"${words.data}"` }));
  answers.push(await shop.tell(fact, { idempotencyKey: `${idempotencyKey} x` }));
  answers.push(await shop.tell(fact, { authorization: `Bearer ${revoked.key}` }));
  answers.push(await shop.tell(fact, { authorization: key }));
  const stripe = JSON.stringify({
    ...{ id: 'evt_1', type: 'checkout.session.completed' },
    data: { object: { client_reference_id: `cnv_${'0'.repeat(26)}`, metadata: { note: words.metadata } } },
  });
  const seconds = Math.floor(Date.now() / 1_000);
  const signature = createHmac('sha256', words.stripeSecret).update(`${seconds}.${stripe}`).digest('hex');
  for (const header of [`t=${seconds},v1=${signature}`, `t=${seconds},v1=${words.stripeSecret}`])
    answers.push(
      await door.raw({
        ...{ method: 'POST', target: `/events/stripe/${acme.id}`, body: stripe },
        headers: [['stripe-signature', header]],
      }),
    );
  expect(answers.map(({ status }) => status)).toEqual([
    202, 200, 409, 404, 400, 400, 400, 400, 401, 401, 404, 401,
  ]);
  const keys = await runCommand(door.nightdesk, 'keys.list', {});
  const tenants = await runCommand(door.nightdesk, 'tenants.list', {});
  const told = {
    log: lines.join('\n'),
    metrics: await door.nightdesk.metrics.text(),
    answers: JSON.stringify(answers),
    keys: JSON.stringify(keys) + inWords('keys.list', keys),
    tenants: JSON.stringify(tenants) + inWords('tenants.list', tenants),
  };
  const canaries = { ...words, key: key.slice(4), revoked: revoked.key.slice(4) };
  expect(lines.length).toBeGreaterThan(0);
  for (const [where, text] of Object.entries(told)) expect(found(text, canaries), where).toEqual([]);
});

test('the database knows a key by its digest alone', async () => {
  const { door, key } = await openShop();
  const tables = door.database.all<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'");
  const rows = tables
    .map(({ name }) => JSON.stringify(door.database.all(`SELECT * FROM ${name}`)))
    .join('\n');
  expect(rows).toContain('key_');
  expect(found(rows, { key: key.slice(4) })).toEqual([]);
});
