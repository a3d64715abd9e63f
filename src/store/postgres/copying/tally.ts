/**
 * What a table holds, counted where it is read and again where it was written, by the same text of each row: of each cell its length in bytes
 * and its canonical form, or `-` for none. Rows are added up by the first 64 bits of their digests, so the database needs no order and no
 * memory for it. To store another type of column, add its form to both sides.
 */
import { createHash } from 'node:crypto';
import type { Cell, Tally } from '#core/ports/copying.ts';

/** How a type of Postgres is written as canonical text: that of `canonical` below. */
const forms: Readonly<Record<string, (column: string) => string>> = {
  text: (column) => `${column}::text`,
  bigint: (column) => `${column}::text`,
  boolean: (column) => `${column}::int::text`,
  'double precision': (column) => `encode(float8send(${column}), 'hex')`,
  bytea: (column) => `encode(${column}, 'hex')`,
};

export const isKnownType = (type: string): boolean => type in forms;

const hexOfReal = (value: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
};

function canonical(cell: Exclude<Cell, null>): string {
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'bigint') return String(cell);
  return typeof cell === 'number' ? hexOfReal(cell) : Buffer.from(cell).toString('hex');
}

export class Tallied {
  #rows = 0;
  #sum = 0n;

  add(cells: readonly Cell[]): void {
    const text = cells
      .map((cell) => {
        if (cell === null) return '-';
        const form = canonical(cell);
        return `${Buffer.byteLength(form)}:${form}`;
      })
      .join('');
    this.#rows += 1;
    this.#sum += createHash('md5').update(text).digest().readBigInt64BE();
  }

  tally(): Tally {
    return { rows: this.#rows, checksum: String(this.#sum) };
  }
}

export interface TypedColumn {
  name: string;
  type: string;
}

/** The statement that answers the same of a table as `count` and `sum`. */
export function tallyStatement(table: string, columns: readonly TypedColumn[]): string {
  const cells = columns.map(({ name, type }) => {
    const form = forms[type]?.(`t."${name}"`) ?? '';
    return `coalesce(octet_length(${form})::text || ':' || ${form}, '-')`;
  });
  return `SELECT count(*)::text AS count, coalesce(sum(('x' || substr(md5(r.text), 1, 16))::bit(64)::bigint), 0)::text AS sum
    FROM (SELECT ${cells.join(' || ')} AS text FROM ${table} AS t) AS r`;
}
