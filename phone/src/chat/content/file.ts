/** Where a file of a message can be shown from: by its link, or by its id from the simulator. */
import { useEffect, useState } from 'preact/hooks';
import { fileOf } from '../../data/media.ts';
import { readObject, readText } from '../reading.ts';

export type FileState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly address: string }
  | { readonly kind: 'missing' };

const missing: FileState = { kind: 'missing' };

export function useFile(body: unknown): FileState {
  const content = readObject(body);
  const link = readText(content.link);
  const mediaId = readText(content.id) ?? readText(content.mediaId);
  const [found, setFound] = useState<FileState>({ kind: 'loading' });
  useEffect(() => {
    if (link !== undefined || mediaId === undefined) return;
    let isWanted = true;
    void fileOf(mediaId).then((address) => {
      if (isWanted) setFound(address === null ? missing : { kind: 'ready', address });
    });
    return () => {
      isWanted = false;
    };
  }, [link, mediaId]);
  if (link !== undefined) return /^https?:\/\//i.test(link) ? { kind: 'ready', address: link } : missing;
  return mediaId === undefined ? missing : found;
}
