/** What the store knows of files; the bytes lie with the driver of files. To add to it, add a function to `files.sql`. */
import { storableText } from '#core/model/storable.ts';
import type { FileStore } from '#core/ports/files.ts';
import type { Database } from './database/database.ts';

export function fileMethods(db: Database): FileStore {
  return {
    noteFile: (input) => {
      const mimeType = storableText(input.mimeType, 'MIME type of a file');
      return db.change('noteFile', 'note_file', { ...input, mimeType });
    },
    findFile: (file) => db.call('find_file', file),
    noteUpload: (input) => {
      const mediaId = storableText(input.mediaId, 'media id');
      return db.change('noteUpload', 'note_upload', { ...input, mediaId });
    },
    findUpload: (input) => db.call('find_upload', input),
    listUnusedFiles: (input) => db.call('list_unused_files', input),
    forgetFile: (input) => db.change('forgetFile', 'forget_file', input),
  };
}
