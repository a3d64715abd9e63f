/** What each fixture of statuses, copies of messages, and mixed batches must become. */
import type { DeliveryStatus, InboundStatus } from '#core/model/events.ts';
import { type ExpectedMessage, media, message, noor, place } from './expected-messages.ts';
import { type ExpectedNotice, notice } from './expected-notices.ts';

type ExpectedStatus = Omit<InboundStatus, 'raw'>;
type Expected = ExpectedStatus | ExpectedMessage | ExpectedNotice;

function status(word: DeliveryStatus, over: Partial<ExpectedStatus> = {}): ExpectedStatus {
  return {
    type: 'status',
    ...place,
    wamid: 'wamid.TkQtb3V0LTAwMDE=',
    status: word,
    atMs: 1_794_000_100_000,
    recipient: noor,
    ...over,
  };
}

const number = { phoneNumberId: place.phoneNumberId };
const opaque = 'snd_0001';
const onlyPhone = { phone: noor.phone! };
const paid = { type: 'regular', category: 'service', billable: true, model: 'PMP' };

const statuses: Record<string, Expected[]> = {
  'status-sent': [status('sent', { opaque, pricing: paid })],
  'status-delivered': [
    status('delivered', { opaque, pricing: paid, recipient: { ...noor, identityKeyHash: 'hash-0001' } }),
  ],
  'status-read': [status('read', { opaque })],
  'status-played': [status('played', { opaque })],
  'status-failed': [
    status('failed', {
      opaque,
      recipient: onlyPhone,
      errors: [
        {
          code: 131026,
          title: 'Message undeliverable',
          message: 'Message undeliverable',
          details: 'The number may not be on WhatsApp.',
          href: '/support/error-codes',
        },
      ],
    }),
  ],
  'status-failed-two-errors': [
    status('failed', {
      recipient: onlyPhone,
      errors: [
        { code: 131047, title: 'Re-engagement message' },
        { code: 131049, details: 'plain words' },
      ],
    }),
  ],
  'status-bsuid-only': [
    status('delivered', {
      recipient: {
        bsuid: noor.bsuid!,
        parentBsuid: 'US.ENT.90000000000000001',
        username: 'noor.h',
        name: noor.name!,
      },
    }),
  ],
  'status-old-parent-name': [
    status('read', { opaque, recipient: { bsuid: noor.bsuid!, parentBsuid: 'US.ENT.90000000000000001' } }),
  ],
  'status-group': [
    status('read', {
      opaque,
      groupId: 'Z3JvdXAtMDAwMQ',
      recipient: { ...noor, parentBsuid: 'US.ENT.90000000000000001' },
    }),
  ],
  'status-sent-up-to-v23': [
    status('sent', {
      opaque,
      recipient: { phone: noor.phone!, bsuid: noor.bsuid! },
      pricing: { ...paid, category: 'marketing' },
      conversation: { id: 'conv-1', origin: 'marketing', expiresAtMs: 1_794_080_000_000 },
    }),
  ],
  'status-free-entry-point': [
    status('sent', {
      opaque,
      pricing: {
        type: 'free_entry_point',
        category: 'referral_conversion',
        billable: false,
        model: 'PMP',
      },
      conversation: { id: 'conv-2', origin: 'referral_conversion' },
    }),
  ],
  'status-upper-case': [status('sent', { opaque: '77' })],
  'status-of-a-call': [notice('call_status', { ...number, event: 'RINGING', atMs: 1_794_000_100_000 })],
  'status-of-tomorrow': [notice('unknown_status', { ...number, event: 'warning', atMs: 1_794_000_100_000 })],
};

const echoPlace = { wamid: 'wamid.TkQtZWNoby0x', sender: onlyPhone, sentAtMs: 1_794_000_050_000 };

const copies: Record<string, Expected[]> = {
  'echo-text': [
    message('echo', { text: 'I will look myself', innerKind: 'text', fromBusiness: true }, echoPlace),
  ],
  'echo-to-bsuid': [
    message(
      'echo',
      { media: media(), innerKind: 'image', fromBusiness: true },
      { ...echoPlace, sender: noor },
    ),
  ],
  'echo-edit-and-revoke': [
    message(
      'echo',
      {
        originalWamid: 'wamid.e0',
        edited: { kind: 'text', content: { text: 'Tomorrow' } },
        innerKind: 'edit',
        fromBusiness: true,
      },
      { ...echoPlace, wamid: 'wamid.e1' },
    ),
    message(
      'echo',
      { originalWamid: 'wamid.e0', innerKind: 'revoke', fromBusiness: true },
      { ...echoPlace, wamid: 'wamid.e2' },
    ),
  ],
  'echo-of-another-app': [
    message('standby', { text: 'From elsewhere', innerKind: 'text', fromBusiness: true }, echoPlace),
  ],
  'standby-message': [message('standby', { text: 'Do you deliver?', innerKind: 'text' })],
  'standby-echo': [
    message(
      'standby',
      { text: 'We do.', innerKind: 'text', fromBusiness: true },
      {
        wamid: 'wamid.s1',
        sender: { phone: noor.phone!, bsuid: noor.bsuid! },
        sentAtMs: 1_794_000_060_000,
      },
    ),
  ],
  'standby-status': [notice('standby_status', { ...number, event: 'delivered', atMs: 1_794_000_070_000 })],
};

const ilse = { phone: '15550133444', bsuid: 'US.70012345678900033', name: 'Ilse Brandt' };

const batches: Record<string, Expected[]> = {
  'batch-contacts-in-other-order': [
    message('text', { text: 'one' }, { wamid: 'wamid.b1' }),
    message('text', { text: 'two' }, { wamid: 'wamid.b2', sender: ilse }),
    message(
      'text',
      { text: 'three' },
      { wamid: 'wamid.b3', sender: { bsuid: 'US.70012345678900044', name: 'Only By Id' } },
    ),
    message('text', { text: 'four' }, { wamid: 'wamid.b4', sender: { phone: '15550155666' } }),
  ],
  'batch-only-contact-of-another': [
    message(
      'system',
      {
        system: {
          type: 'user_changed_number',
          body: 'Noor Haddad changed from 15550111222 to 15550199000',
          change: { oldPhone: '15550111222', newPhone: '15550199000' },
        },
      },
      { wamid: 'wamid.d1', sender: { phone: '15550111222' } },
    ),
    message(
      'text',
      { text: 'mine' },
      { wamid: 'wamid.d2', sender: { bsuid: 'US.70012345678900044', name: 'Only By Id' } },
    ),
  ],
  'batch-two-wabas': [
    message('text', { text: 'here' }, { wamid: 'wamid.c1' }),
    status('read', { wamid: 'wamid.out1', atMs: 1_794_000_001_000, recipient: { phone: ilse.phone } }),
    notice('account_update', { event: 'VERIFIED_ACCOUNT', alert: false }),
    message(
      'text',
      { text: 'there' },
      {
        wabaId: '417700200300499',
        phoneNumberId: '880110220330999',
        wamid: 'wamid.c2',
        sender: ilse,
      },
    ),
  ],
  'interactive-bare-with-errors': [
    message('unknown', { context: { wamid: 'wamid.TkQtb3V0LTAwMDE=', from: '15550100200' } }),
    notice('value_errors', { ...number, event: '131000', alert: true }),
  ],
};

export const expectedStatusesAndCopies: Record<string, Expected[]> = { ...statuses, ...copies, ...batches };
