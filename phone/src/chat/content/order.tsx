import { Icon } from '../../desk/icons.tsx';
import { readList, readNumber, readObject, readText } from '../reading.ts';

export function Order({ body, text }: { body: unknown; text: string | null }) {
  const items = readList(readObject(body).product_items ?? readObject(body).productItems).map(readObject);
  const count = items.reduce((sum, item) => sum + (readNumber(item.quantity) ?? 0), 0);
  const price = items.reduce(
    (sum, item) => sum + (readNumber(item.quantity) ?? 0) * (readNumber(item.item_price) ?? 0),
    0,
  );
  const currency = readText(items[0]?.currency) ?? '';
  return (
    <>
      <span class="card">
        <span class="card-icon">
          <Icon name="bag" />
        </span>
        <span class="lines">
          <strong>{count === 1 ? '1 thing ordered' : `${count} things ordered`}</strong>
          <span>
            {price} {currency}
          </span>
        </span>
      </span>
      {text && <span class="words">{text}</span>}
    </>
  );
}
