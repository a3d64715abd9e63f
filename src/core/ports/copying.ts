/**
 * What a driver gives of itself when a whole store moves into another one: every table, row by row, as values that mean the same in both. To
 * store another kind of value, add it to `Cell` and to the forms of it in the drivers.
 */

/** A whole number is a `bigint`, a `number` is one with a fraction; whether one is a boolean, its receiver knows. */
export type Cell = string | number | bigint | Uint8Array | null;

export interface CopiedTable {
  name: string;
  columns: readonly string[];
  /** In the order in which the rows were made, or of their key; read as they are asked for. */
  rows(): Iterable<readonly Cell[]>;
}

/** What a table holds, the same on both sides where each row is the same. */
export interface Tally {
  rows: number;
  /** Of the texts of all rows, whatever their order. */
  checksum: string;
}
