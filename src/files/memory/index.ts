/** Files in memory, for a server whose database is in memory, too: both are forgotten at a stop. */
import { demandFileId, type FileDriver, type FileRef } from '#core/ports/files.ts';

export function openMemory(): FileDriver {
  const kept = new Map<string, Uint8Array>();
  const keyOf = ({ tenantId, fileId }: FileRef) => {
    demandFileId(fileId);
    return `${fileId}\n${tenantId}`;
  };
  return {
    driver: 'memory',
    async put(file) {
      kept.set(keyOf(file), Uint8Array.from(file.bytes));
    },
    async get(file) {
      const bytes = kept.get(keyOf(file));
      return bytes === undefined ? null : Uint8Array.from(bytes);
    },
    async remove(file) {
      kept.delete(keyOf(file));
    },
  };
}
