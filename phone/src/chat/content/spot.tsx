/** A place, on a map that is drawn here: nothing is asked of anyone outside. */
import { Icon } from '../../desk/icons.tsx';
import { readNumber, readObject, readText } from '../reading.ts';

export function Spot({ body }: { body: unknown }) {
  const place = readObject(body);
  const latitude = readNumber(place.latitude) ?? 0;
  const longitude = readNumber(place.longitude) ?? 0;
  const name = readText(place.name);
  const coordinates = `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
  // The streets lie differently at each place, and at the same place always alike.
  const turn = Math.round((Math.abs(latitude * 37 + longitude * 53) % 1) * 60 - 30);
  return (
    <a
      class="spot"
      href={`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=15/${latitude}/${longitude}`}
      target="_blank"
      rel="noopener noreferrer"
    >
      <span class="map" aria-hidden="true">
        <svg viewBox="0 0 240 120" preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false">
          <g transform={`rotate(${turn} 120 60)`}>
            <path class="park" d="M20 0h70v52H20zM150 74h80v60h-80z" />
            <path class="water" d="M-40 96c60-14 90 6 130 0s60-26 190-14v80H-40z" />
            <path class="street" d="M-60 30h380M-60 74h380M104-60v240M176-60v240M36-60v240" />
            <path class="road" d="M-60 4C60 30 150 40 320 128" />
          </g>
        </svg>
        <span class="map-pin">
          <Icon name="pin" />
        </span>
      </span>
      <span class="lines">
        <strong>{name ?? 'Location'}</strong>
        <span>{readText(place.address) ?? coordinates}</span>
      </span>
    </a>
  );
}
