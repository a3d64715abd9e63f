/** The parts the look-alike of Meta is made of, passed to each concern that needs several of them. */
import type { Agenda } from './agenda.ts';
import type { Contact, ContactBook } from './contacts.ts';
import type { Conversations } from './conversations.ts';
import type { Random } from './draw.ts';
import type { EventLog } from './events-log.ts';
import type { Faults } from './faults.ts';
import { escapedJson } from './inbound/envelope.ts';
import type { MediaShelf } from './media/media-shelf.ts';
import type { HeldAnswers } from './sending/held-answers.ts';
import type { MessagingLimits } from './sending/portfolios.ts';
import type { PairLimit, RateWindow } from './sending/rates.ts';
import type { PhoneNumber, Settings } from './settings.ts';
import type { TemplateShelf } from './templates/shelf.ts';
import type { IdMaker } from './wamid.ts';
import type { Deliveries } from './webhooks/deliveries.ts';
import type { Handshakes } from './webhooks/handshakes.ts';

/** A send that was accepted, in order of acceptance: the checkers' evidence, never truncated except by reset. */
export interface AcceptedSend {
  readonly index: number;
  readonly phoneNumberId: string;
  /** Our contact id, or "phone:..." / "user:..." where no contact has that address. */
  readonly contactKey: string;
  readonly to: string;
  readonly type: string;
  readonly text: string | null;
  readonly opaque: string | null;
  readonly replyTo: string | null;
  readonly wamid: string;
  readonly atMs: number;
  /** How the answer was kept from the sender, or null when it was given. */
  answerLost: string | null;
}

/** Something a contact said, in order; the other half of the evidence. */
export interface SaidMessage {
  readonly index: number;
  readonly phoneNumberId: string;
  readonly contactId: string;
  readonly wamid: string;
  readonly type: string;
  readonly text: string | null;
  readonly atMs: number;
  /** When a webhook that carried it was first answered 200. */
  acknowledgedAtMs: number | null;
}

export interface MetaState {
  readonly random: Random;
  readonly ids: IdMaker;
  readonly settings: Settings;
  readonly faults: Faults;
  readonly contacts: ContactBook;
  readonly conversations: Conversations;
  readonly pairLimit: PairLimit;
  readonly messagingLimits: MessagingLimits;
  /** By WABA id and how many calls it may make. */
  readonly managementCalls: Map<string, RateWindow>;
  /** By phone number id. */
  readonly registrations: Map<string, RateWindow>;
  readonly agenda: Agenda;
  readonly log: EventLog;
  readonly deliveries: Deliveries;
  readonly handshakes: Handshakes;
  readonly held: HeldAnswers;
  readonly media: MediaShelf;
  readonly templates: TemplateShelf;
  readonly accepted: AcceptedSend[];
  readonly said: SaidMessage[];
}

export const unixSeconds = (nowMs: number): string => String(Math.floor(nowMs / 1_000));

export const metadataJson = (number: PhoneNumber): string =>
  escapedJson({ display_phone_number: number.digits, phone_number_id: number.id });

export const contactPeer = (contact: Contact): string => contact.phone ?? contact.userId ?? contact.id;
