import { Icon } from '../../desk/icons.tsx';
import { readList, readObject, readText } from '../reading.ts';

function nameOf(card: unknown): string {
  const name = readObject(readObject(card).name);
  return readText(name.formatted_name) ?? readText(name.first_name) ?? 'Without a name';
}

export function Card({ cards }: { cards: readonly unknown[] }) {
  return (
    <span class="cards">
      {cards.map((card, at) => {
        const phones = readList(readObject(card).phones).map(
          (each) => readText(readObject(each).phone) ?? '',
        );
        const company = readText(readObject(readObject(card).org).company);
        return (
          <span class="card" key={at}>
            <span class="card-icon">
              <Icon name="person" />
            </span>
            <span class="lines">
              <strong>{nameOf(card)}</strong>
              <span>{[company, ...phones].filter(Boolean).join(' · ')}</span>
            </span>
          </span>
        );
      })}
    </span>
  );
}
