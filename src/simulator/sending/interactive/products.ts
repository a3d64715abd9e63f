/** Products of a catalog: one, a list of up to 30, or the catalog itself. The catalog is taken as it is named. */
import { type JsonObject, readArray, readObject } from '../../control/json-reading.ts';
import { checkOneOf, checkOptionalText, checkText, invalid, parametersOf, type Refusal } from '../checks.ts';
import { checkSectionTitle, sectionsOf } from './choices.ts';

const PRODUCTS_MAX = 30;
const ID_CHARS_MAX = 200;

const checkCatalog = (action: JsonObject): Refusal | null =>
  checkText(action.catalog_id, "interactive['action']['catalog_id']", ID_CHARS_MAX);

export const checkProduct = (action: JsonObject): Refusal | null =>
  checkCatalog(action) ??
  checkText(action.product_retailer_id, "interactive['action']['product_retailer_id']", ID_CHARS_MAX);

export function checkProductList(action: JsonObject): Refusal | null {
  const wrongCatalog = checkCatalog(action);
  if (wrongCatalog) return wrongCatalog;
  const sections = sectionsOf(action);
  if (!Array.isArray(sections)) return sections;
  let products = 0;
  for (const section of sections) {
    const items = readArray(section.product_items) ?? [];
    if (items.length === 0) return invalid('A section needs at least one product item.');
    products += items.length;
    const wrongTitle = checkSectionTitle(section, sections.length);
    if (wrongTitle) return wrongTitle;
    for (const item of items) {
      const wrong = checkText(readObject(item)?.product_retailer_id, 'product_retailer_id', ID_CHARS_MAX);
      if (wrong) return wrong;
    }
  }
  return products > PRODUCTS_MAX
    ? invalid(`Total product count exceed max allowed count: ${PRODUCTS_MAX}.`)
    : null;
}

export const checkCatalogMessage = (action: JsonObject): Refusal | null =>
  checkOneOf(action.name, "interactive['action']['name']", ['catalog_message']) ??
  checkOptionalText(
    parametersOf(action).thumbnail_product_retailer_id,
    "interactive['action']['parameters']['thumbnail_product_retailer_id']",
    ID_CHARS_MAX,
  );
