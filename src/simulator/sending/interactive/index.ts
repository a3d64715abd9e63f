/** Which interactive kinds there are, what frame each allows and how its action is checked. To add one, add a row. */
import { type JsonObject, readObject, readString } from '../../control/json-reading.ts';
import { type Check, type Findings, missing, type Refusal } from '../checks.ts';
import { checkCarousel } from './carousel.ts';
import { checkButtons, checkList } from './choices.ts';
import { checkFrame, type Frame } from './frame.ts';
import { checkCatalogMessage, checkProduct, checkProductList } from './products.ts';
import { checkAddressRequest, checkCtaUrl, checkWaFlow, namedAction } from './single-button.ts';

interface Kind {
  readonly frame: Frame;
  readonly checkAction: (action: JsonObject, found: Findings) => Refusal | null;
}

const PLAIN: Frame = { header: 'none', body: 'required' };
const ANY_HEADER: Frame = { header: 'any', body: 'required' };

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['button', { frame: ANY_HEADER, checkAction: checkButtons }],
  ['list', { frame: { header: 'text', body: 'required', bodyCharsMax: 4_096 }, checkAction: checkList }],
  ['cta_url', { frame: ANY_HEADER, checkAction: checkCtaUrl }],
  ['flow', { frame: ANY_HEADER, checkAction: checkWaFlow }],
  ['product', { frame: { header: 'none', body: 'optional' }, checkAction: checkProduct }],
  ['product_list', { frame: { header: 'requiredText', body: 'required' }, checkAction: checkProductList }],
  ['catalog_message', { frame: PLAIN, checkAction: checkCatalogMessage }],
  ['carousel', { frame: PLAIN, checkAction: checkCarousel }],
  ['location_request_message', { frame: PLAIN, checkAction: namedAction('send_location') }],
  ['address_message', { frame: PLAIN, checkAction: checkAddressRequest }],
  ['request_contact_info', { frame: PLAIN, checkAction: namedAction('request_contact_info') }],
  [
    'call_permission_request',
    { frame: { header: 'none', body: 'optional' }, checkAction: namedAction('call_permission_request') },
  ],
]);

export const checkInteractive: Check = (content, found) => {
  const type = readString(content.type);
  if (!type) return missing("interactive['type']");
  const kind = KINDS.get(type);
  if (!kind) {
    const known = [...KINDS.keys()].join(', ');
    return { code: 100, details: `Param interactive['type'] must be one of {${known}}.` };
  }
  const action = readObject(content.action);
  if (!action) return missing("interactive['action']");
  return checkFrame(content, kind.frame, found) ?? kind.checkAction(action, found);
};
