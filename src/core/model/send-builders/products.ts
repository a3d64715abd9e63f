/** Products of a catalog at Meta: one, up to 30 in sections, or the catalog itself. */
import type { SendBody } from '../send-bodies.ts';
import { sendLimits } from '../send-limits.ts';
import { sectionTitle } from './choices.ts';
import { count, id, words } from './fields.ts';
import { footerOf, frameOf, headerOf } from './frame.ts';

const at = 'interactive.action';
const catalogOf = (catalogId: string) => id(`${at}.catalog_id`, catalogId, sendLimits.nameCharsMax);

/** `productId` is the retailer's own, as it stands in the catalog. @throws BadSend */
export function product(given: {
  catalogId: string;
  productId: string;
  body?: string;
  footer?: string;
}): SendBody {
  const { body, footer } = given;
  const bodyText = () => words('interactive.body.text', body ?? '', sendLimits.bodyCharsMax);
  return {
    type: 'interactive',
    interactive: {
      type: 'product',
      ...(body === undefined ? {} : { body: { text: bodyText() } }),
      ...(footer === undefined ? {} : { footer: footerOf(footer) }),
      action: {
        catalog_id: catalogOf(given.catalogId),
        product_retailer_id: id(`${at}.product_retailer_id`, given.productId, sendLimits.nameCharsMax),
      },
    },
  };
}

/** Up to 30 products over at most 10 sections, each with a title where there are several. @throws BadSend */
export function products(given: {
  catalogId: string;
  header: string;
  body: string;
  footer?: string;
  sections: readonly { title?: string; productIds: readonly string[] }[];
}): SendBody {
  const { sections, header, catalogId, ...rest } = given;
  const where = `${at}.sections`;
  count(where, sections, { min: 1, max: sendLimits.sectionsMax, of: 'sections' });
  const all = sections.flatMap((section) => section.productIds);
  count(`${where}[].product_items`, all, { min: 1, max: sendLimits.productsMax, of: 'products' });
  const built = sections.map(({ title, productIds }, index) => {
    const field = `${where}[${index}]`;
    count(`${field}.product_items`, productIds, { min: 1, max: sendLimits.productsMax, of: 'products' });
    const items = productIds.map((productId, place) => ({
      product_retailer_id: id(`${field}.product_items[${place}]`, productId, sendLimits.nameCharsMax),
    }));
    return { ...sectionTitle(field, title, sections.length), product_items: items };
  });
  const action = { catalog_id: catalogOf(catalogId), sections: built };
  return {
    type: 'interactive',
    interactive: { type: 'product_list', header: headerOf(header), ...frameOf(rest), action },
  };
}

/** A button that opens the whole catalog; the picture above it is of one product. @throws BadSend */
export function catalog(given: { body: string; footer?: string; thumbnailProductId?: string }): SendBody {
  const { thumbnailProductId, ...rest } = given;
  const field = `${at}.parameters.thumbnail_product_retailer_id`;
  const parameters =
    thumbnailProductId === undefined
      ? {}
      : {
          parameters: {
            thumbnail_product_retailer_id: id(field, thumbnailProductId, sendLimits.nameCharsMax),
          },
        };
  return {
    type: 'interactive',
    interactive: {
      type: 'catalog_message',
      ...frameOf(rest),
      action: { name: 'catalog_message', ...parameters },
    },
  };
}
