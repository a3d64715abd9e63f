/** Pictures, videos, stickers and documents. Each has its place before it is there, so nothing jumps when it comes. */
import { useContext, useState } from 'preact/hooks';
import { Icon, type IconName } from '../../desk/icons.tsx';
import { readObject, readText } from '../reading.ts';
import { ViewerContext } from '../viewer.ts';
import { useFile } from './file.ts';

function Nothing({ icon, words }: { icon: IconName; words: string }) {
  return (
    <span class="nothing">
      <Icon name={icon} />
      <span>{words}</span>
    </span>
  );
}

const samplePxMax = 2;

export function Picture({ body }: { body: unknown }) {
  const file = useFile(body);
  const [isBroken, setIsBroken] = useState(false);
  const openPicture = useContext(ViewerContext);
  const label = readText(readObject(body).caption) ?? 'Photo';
  if (file.kind === 'loading') return <span class="picture" aria-busy="true" />;
  if (file.kind === 'missing' || isBroken) {
    return (
      <span class="picture">
        <Nothing
          icon="photo"
          words={isBroken ? 'A sample without a picture' : 'The file is not there any more'}
        />
      </span>
    );
  }
  return (
    <button type="button" class="picture" onClick={() => openPicture(file.address, label)}>
      <img
        src={file.address}
        alt={label}
        onError={() => setIsBroken(true)}
        onLoad={({ currentTarget }) => setIsBroken(currentTarget.naturalWidth <= samplePxMax)}
      />
    </button>
  );
}

export function Video({ body }: { body: unknown }) {
  const file = useFile(body);
  const [isBroken, setIsBroken] = useState(false);
  if (file.kind === 'loading') return <span class="picture" aria-busy="true" />;
  if (file.kind === 'missing' || isBroken) {
    return (
      <span class="picture">
        <Nothing
          icon="video"
          words={isBroken ? 'A sample without a film' : 'The file is not there any more'}
        />
      </span>
    );
  }
  return (
    <span class="picture">
      {/* biome-ignore lint/a11y/useMediaCaption: whatever was sent has none */}
      <video src={file.address} controls playsInline preload="metadata" onError={() => setIsBroken(true)} />
    </span>
  );
}

export function Sticker({ body }: { body: unknown }) {
  const file = useFile(body);
  const [isBroken, setIsBroken] = useState(false);
  return (
    <span class="sticker">
      {file.kind === 'ready' && !isBroken ? (
        <img src={file.address} alt="Sticker" onError={() => setIsBroken(true)} />
      ) : (
        <Nothing icon="sticker" words="Sticker" />
      )}
    </span>
  );
}

export function DocumentFile({ body }: { body: unknown }) {
  const file = useFile(body);
  const name = readText(readObject(body).filename) ?? 'document';
  const ending = /\.([a-z0-9]{1,5})$/i.exec(name)?.[1] ?? '';
  const inside = (
    <>
      <span class="card-icon">
        <Icon name="document" />
      </span>
      <span class="lines">
        <strong>{name}</strong>
        <span>{ending === '' ? 'Document' : `${ending.toUpperCase()} document`}</span>
      </span>
    </>
  );
  if (file.kind !== 'ready') return <span class="card">{inside}</span>;
  return (
    <a class="card" href={file.address} download={name} target="_blank" rel="noopener noreferrer">
      {inside}
      <Icon name="download" />
    </a>
  );
}
