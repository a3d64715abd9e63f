/**
 * The bodies that leave, as Meta's `/messages` takes them: one member of the union for each type, with Meta's own names.
 * Builders make them and check every limit, so nothing else writes one by hand. What is stored and what is sent is the
 * same object. To add a type, add its body here, its builder in `send-builders/` and its words in `words-of-send.ts`.
 *
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
 */

/** A file at Meta (`id`, of an upload by the same number, for 30 days) or one that Meta fetches from `link`. */
export type SendFile = { id: string } | { link: string };

export interface ContactCard {
  name: {
    formatted_name: string;
    first_name?: string;
    last_name?: string;
    middle_name?: string;
    suffix?: string;
    prefix?: string;
  };
  phones?: { phone: string; type?: string; wa_id?: string }[];
  emails?: { email: string; type?: string }[];
  urls?: { url: string; type?: string }[];
  addresses?: {
    street?: string;
    city?: string;
    state?: string;
    zip?: string;
    country?: string;
    country_code?: string;
    type?: string;
  }[];
  org?: { company?: string; department?: string; title?: string };
  /** YYYY-MM-DD */
  birthday?: string;
}

export type InteractiveHeader =
  | { type: 'text'; text: string }
  | { type: 'image'; image: SendFile }
  | { type: 'video'; video: SendFile }
  | { type: 'document'; document: SendFile & { filename?: string } };

export interface ReplyButton {
  type: 'reply';
  reply: { id: string; title: string };
}

export interface ListSection {
  title?: string;
  rows: { id: string; title: string; description?: string }[];
}

export interface CtaUrlAction {
  name: 'cta_url';
  parameters: { display_text: string; url: string };
}

export interface CarouselCard {
  card_index: number;
  type: 'button' | 'cta_url';
  header: InteractiveHeader;
  body?: { text: string };
  action: { buttons: ReplyButton[] } | CtaUrlAction;
}

export interface WaFlowParameters {
  flow_message_version: '3';
  flow_id?: string;
  flow_name?: string;
  flow_cta: string;
  flow_token?: string;
  mode?: 'draft';
  flow_action?: 'navigate' | 'data_exchange';
  flow_action_payload?: { screen?: string; data?: Readonly<Record<string, unknown>> };
}

interface Framed {
  header?: InteractiveHeader;
  body: { text: string };
  footer?: { text: string };
}

export type Interactive =
  | ({ type: 'button'; action: { buttons: ReplyButton[] } } & Framed)
  | ({ type: 'list'; action: { button: string; sections: ListSection[] } } & Framed)
  | ({ type: 'cta_url'; action: CtaUrlAction } & Framed)
  | ({ type: 'flow'; action: { name: 'flow'; parameters: WaFlowParameters } } & Framed)
  | ({ type: 'carousel'; action: { cards: CarouselCard[] } } & Framed)
  | ({
      type: 'product_list';
      action: {
        catalog_id: string;
        sections: { title?: string; product_items: { product_retailer_id: string }[] }[];
      };
    } & Framed)
  | ({
      type: 'product';
      action: { catalog_id: string; product_retailer_id: string };
    } & Partial<Framed>)
  | ({
      type: 'catalog_message';
      action: { name: 'catalog_message'; parameters?: { thumbnail_product_retailer_id: string } };
    } & Framed)
  | ({ type: 'location_request_message'; action: { name: 'send_location' } } & Framed)
  | ({ type: 'request_contact_info'; action: { name: 'request_contact_info' } } & Framed)
  | ({ type: 'call_permission_request'; action: { name: 'call_permission_request' } } & Framed);

export type TemplateParameter =
  | { type: 'text'; text: string; parameter_name?: string }
  | { type: 'image'; image: SendFile }
  | { type: 'video'; video: SendFile }
  | { type: 'document'; document: SendFile & { filename?: string } }
  | { type: 'payload'; payload: string }
  | { type: 'coupon_code'; coupon_code: string };

export type TemplateComponent =
  | { type: 'header' | 'body'; parameters: TemplateParameter[] }
  | {
      type: 'button';
      sub_type: 'quick_reply' | 'url' | 'copy_code';
      /** Of the button in the template, from 0. */
      index: string;
      parameters: TemplateParameter[];
    };

export interface TemplateBody {
  type: 'template';
  template: {
    name: string;
    language: { code: string; policy?: 'deterministic' };
    components?: TemplateComponent[];
  };
}

export type SendBody =
  | { type: 'text'; text: { body: string; preview_url?: boolean } }
  | { type: 'image'; image: SendFile & { caption?: string } }
  | { type: 'video'; video: SendFile & { caption?: string } }
  | { type: 'audio'; audio: SendFile & { voice?: boolean } }
  | { type: 'document'; document: SendFile & { caption?: string; filename?: string } }
  | { type: 'sticker'; sticker: SendFile }
  | {
      type: 'location';
      location: { latitude: number; longitude: number; name?: string; address?: string };
    }
  | { type: 'contacts'; contacts: ContactCard[] }
  | { type: 'reaction'; reaction: { message_id: string; emoji: string } }
  | { type: 'interactive'; interactive: Interactive }
  | TemplateBody;
