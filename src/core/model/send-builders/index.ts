/**
 * Builders of what leaves: one for each type of Meta's messages, one file for each family. All limits are checked when a
 * body is built, and a `BadSend` names the field and the limit. To add a type, write its builder in the file of its
 * family, and its body and words as `../send-bodies.ts` says; `test/sends` asks the look-alike whether it takes it.
 *
 * Source: developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
 */
export { type CardInput, carousel } from './carousel.ts';
export { buttons, type Choice, type ListInput, list, type Row } from './choices.ts';
export { contacts } from './contacts.ts';
export { BadSend } from './fields.ts';
export type { FrameInput, Header } from './frame.ts';
export { location } from './location.ts';
export { audio, document, image, sticker, video } from './media.ts';
export { catalog, product, products } from './products.ts';
export { type ReadReceipt, reaction, readReceipt } from './reaction.ts';
export {
  callPermissionRequest,
  contactInfoRequest,
  ctaUrl,
  locationRequest,
  type WaFlowInput,
  waFlow,
} from './single-button.ts';
export { type TemplateButton, type TemplateInput, type TemplateWords, template } from './template.ts';
export { text } from './text.ts';
