/**
 * The Standard Schema interface, version 1 (standardschema.dev), as far as it is asked here: dialogs and activities give
 * their schemas in whatever library they like (Zod, Valibot, ArkType), and the core sees no more of them than this.
 */
import { KnownError } from './model/faults.ts';

export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export type InputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input'];
export type OutputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output'];

/** A value that its schema refuses. The message names the places, not the value: it may be a customer's words. */
export class SchemaMismatch extends KnownError {
  override readonly name = 'SchemaMismatch';
}

/** The value as the schema makes it. @throws SchemaMismatch; Error where the schema wants to wait, which a turn cannot. */
export function parseNow<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
  what: string,
): Output {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new SchemaMismatch(`${what} has a schema that works asynchronously. Use one that answers at once.`);
  }
  if (result.issues === undefined) return result.value;
  throw mismatch(result.issues, what);
}

/** The same where waiting is allowed. @throws SchemaMismatch */
export async function parse<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
  what: string,
): Promise<Output> {
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return result.value;
  throw mismatch(result.issues, what);
}

function mismatch(issues: readonly SchemaIssue[], what: string): SchemaMismatch {
  const places = [...new Set(issues.map(placeOf))].join(', ');
  return new SchemaMismatch(`${what} does not fit its schema at ${places}.`);
}

function placeOf({ path = [] }: SchemaIssue): string {
  const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return keys.length === 0 ? 'its top' : keys.join('.');
}
