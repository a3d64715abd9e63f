import { useState } from 'preact/hooks';
import { Icon } from '../../desk/icons.tsx';
import { Sheet } from './sheet.tsx';

export interface Spot {
  readonly latitude: number;
  readonly longitude: number;
  readonly name?: string;
  readonly address?: string;
}

const spots: readonly Spot[] = [
  { name: 'Harbour Café', address: 'Am Sandtorkai 4, Hamburg', latitude: 53.5446, longitude: 9.9897 },
  {
    name: 'Central Station',
    address: 'Praça dos Restauradores, Lisboa',
    latitude: 38.7155,
    longitude: -9.1414,
  },
  {
    name: 'Garden of the Palace',
    address: 'Av. Paulista 1578, São Paulo',
    latitude: -23.5614,
    longitude: -46.6559,
  },
];

export function LocationSheet({ onSend, onClose }: { onSend: (spot: Spot) => void; onClose: () => void }) {
  const [problem, setProblem] = useState('');
  const send = (spot: Spot) => {
    onClose();
    onSend(spot);
  };
  const sendOwn = () => {
    navigator.geolocation?.getCurrentPosition(
      ({ coords: { latitude, longitude } }) => send({ latitude, longitude }),
      () => setProblem('The browser does not tell where this is. Pick one of the places.'),
    );
  };
  return (
    <Sheet title="Send a location" onClose={onClose}>
      <ul class="menu">
        {spots.map((spot, at) => (
          <li key={spot.name}>
            <button type="button" data-autofocus={at === 0 ? '' : undefined} onClick={() => send(spot)}>
              <Icon name="pin" />
              <span class="lines">
                <strong>{spot.name}</strong>
                <span>{spot.address}</span>
              </span>
            </button>
          </li>
        ))}
        <li>
          <button type="button" onClick={sendOwn}>
            <Icon name="person" /> Where I am
          </button>
        </li>
      </ul>
      <p class="problem" role="alert">
        {problem}
      </p>
    </Sheet>
  );
}
