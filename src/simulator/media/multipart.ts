/**
 * Reading a multipart/form-data body, as uploads are sent: whole and strict about its frame, with no opinion about what
 * is in it. A body that is not what its header promises is undefined.
 */
export interface FormPart {
  readonly bytes: Uint8Array;
  readonly filename: string | null;
  readonly contentType: string | null;
}

const HEAD_END = '\r\n\r\n';

function boundaryOf(contentType: string): string | null {
  const match = /^multipart\/form-data\b.*?;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  return match?.[1] ?? match?.[2] ?? null;
}

function readPart(part: Buffer): { name: string; part: FormPart } | undefined {
  const headEnd = part.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = part.subarray(0, headEnd).toString('utf8');
  const disposition = /^content-disposition:\s*form-data(.*)$/im.exec(head)?.[1];
  const name = disposition === undefined ? undefined : /[;\s]name="([^"]*)"/.exec(disposition)?.[1];
  if (name === undefined) return undefined;
  return {
    name,
    part: {
      bytes: part.subarray(headEnd + HEAD_END.length),
      filename: /filename="([^"]*)"/.exec(disposition ?? '')?.[1] ?? null,
      contentType: /^content-type:\s*(.+)$/im.exec(head)?.[1]?.trim() ?? null,
    },
  };
}

export function readMultipart(contentType: string, body: Uint8Array): Map<string, FormPart> | undefined {
  const boundary = boundaryOf(contentType);
  if (boundary === null) return undefined;
  // The first delimiter has no line break of its own before it; with one put there, all are alike.
  const bytes = Buffer.concat([Buffer.from('\r\n'), body]);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts = new Map<string, FormPart>();
  let at = bytes.indexOf(delimiter);
  if (at !== 0) return undefined;
  for (;;) {
    const start = at + delimiter.length;
    if (bytes.toString('latin1', start, start + 2) === '--') return parts;
    const end = bytes.indexOf(delimiter, start);
    const read = end < 0 ? undefined : readPart(bytes.subarray(start + 2, end));
    if (!read) return undefined;
    parts.set(read.name, read.part);
    at = end;
  }
}
