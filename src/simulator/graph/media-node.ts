/**
 * Uploading a file, and the node that a file's id names: where it lies, and its deletion.
 *
 *   POST   /{phone number id}/media        multipart: messaging_product, type, file
 *   GET    /{media id}[?phone_number_id=]  an address that lives five minutes
 *   DELETE /{media id}[?phone_number_id=]
 */
import { bareType, bytesMaxOf, kindOfType, UPLOADABLE_TYPES } from '../media/media-kinds.ts';
import { sha256Of } from '../media/media-shelf.ts';
import { type FormPart, readMultipart } from '../media/multipart.ts';
import type { MetaState } from '../meta-state.ts';
import type { SendOutcome } from '../sending/sends.ts';
import type { AccessToken, PhoneNumber } from '../settings.ts';
import { answerWith, errorOf, noSuchObject, parameterError, required, succeeded } from './answers.ts';
import { type GraphRequest, headerOf } from './graph-request.ts';
import { mayUse } from './tokens.ts';

const textIn = (part: FormPart | undefined): string =>
  part === undefined ? '' : Buffer.from(part.bytes).toString('utf8').trim();

export function upload(
  state: MetaState,
  request: GraphRequest,
  number: PhoneNumber,
  nowMs: number,
): SendOutcome {
  const body = typeof request.body === 'string' ? Buffer.from(request.body, 'latin1') : request.body;
  const form = readMultipart(headerOf(request, 'content-type') ?? '', body);
  if (!form) return parameterError(state, 'The upload must be a multipart/form-data body with its boundary.');
  if (textIn(form.get('messaging_product')) !== 'whatsapp') return required(state, 'messaging_product');
  const file = form.get('file');
  if (!file) return required(state, 'file');
  const type = textIn(form.get('type'));
  if (type === '') return required(state, 'type');
  const mimeType = file.contentType ?? type;
  const kind = kindOfType(mimeType);
  if (!kind) {
    const types = UPLOADABLE_TYPES.join(', ');
    const received = `Received file of type '${bareType(mimeType).slice(0, 100)}'.`;
    return parameterError(
      state,
      `Param file must be a file with one of the following types: ${types}. ${received}`,
    );
  }
  if (file.bytes.length === 0) return parameterError(state, 'Param file must not be empty.');
  const bytesMax = bytesMaxOf(kind);
  if (file.bytes.length > bytesMax) {
    const details = `The ${kind} has ${file.bytes.length} bytes, more than the ${bytesMax} that are allowed.`;
    return errorOf(state, { code: 131053, details });
  }
  // A copy: the part is a view into the whole body, which would be kept with it.
  const bytes = Uint8Array.from(file.bytes);
  const id = state.media.upload({ mimeType, bytes }, { phoneNumberId: number.id, nowMs });
  state.log.count('mediaUploaded');
  return answerWith({ id });
}

/** The file's node, or null when the id names no file that this token may see. */
export function mediaNode(
  state: MetaState,
  request: GraphRequest,
  place: { readonly mediaId: string; readonly token: AccessToken; readonly nowMs: number },
): SendOutcome | null {
  const { mediaId, token, nowMs } = place;
  const file = state.media.find(mediaId, nowMs);
  const owner = file?.phoneNumberId ? state.settings.phoneNumbers.get(file.phoneNumberId) : undefined;
  if (!file || (owner && !mayUse(token, owner.wabaId))) return null;
  const asked = request.query.phone_number_id;
  // Compared with the number that uploaded the file; what a contact sent was uploaded by none (chatwoot/chatwoot#13317).
  if (asked !== undefined && !(file.isUpload && asked === file.phoneNumberId)) {
    return parameterError(state, 'Param phone_number_id is not a valid whatsapp business phone number id ID');
  }
  if (request.method === 'DELETE') {
    state.media.remove(mediaId);
    return succeeded();
  }
  if (request.method !== 'GET') return noSuchObject(state, request.method, mediaId);
  return answerWith({
    messaging_product: 'whatsapp',
    url: state.media.urlOf(mediaId, nowMs),
    mime_type: file.mimeType,
    sha256: sha256Of(file),
    file_size: file.bytes.length,
    id: mediaId,
  });
}
