/**
 * Names of columns in a schema, and generators.
 *
 * @module
 */

import { isPlaceName } from "./names.ts";
import type { InputSchema, Schema } from "./schema.ts";

/**
 * Returns true for an input that is a column with a name. Arrays, images and sequences have no
 * columns, and the columns of tables without header have no names.
 */
export function isNamedInput(input: InputSchema): boolean {
  return !("shape" in input) && !isPlaceName(input.name);
}

/** Returns true if the schema has an input that is a column with a name. */
export function hasNamedColumns({ inputs }: Schema): boolean {
  return inputs.some(isNamedInput);
}

/** Returns true if the schema is of data that are drawn by a generator. */
export function hasGenerator({ inputs }: Schema): boolean {
  return inputs.some((input) => "shape" in input && input.generator !== undefined);
}
