/**
 * Agreement of a client's handler with the schema of its server.
 *
 * @module
 */

import { ProtocolError } from "../base/errors.ts";
import { compareSchemas } from "../data/schema/compare.ts";
import { schemaDigest } from "../data/schema/digest.ts";
import { hasGenerator, hasNamedColumns } from "../data/schema/named.ts";
import { shownName } from "../data/schema/names.ts";
import type { Schema } from "../data/schema/schema.ts";
import type { ClientBackendHandler } from "./handler.ts";

/** Names of columns that an error repeats. */
const MOST_NAMES = 3;

/**
 * Returns the digest of the schema by which a handler has arranged its data, once it is set up.
 *
 * A handler without a schema has data without names: it agrees with any schema that has none.
 *
 * @param expected The server's schema; `undefined` if it has none.
 * @returns The digest; `undefined` if neither side has a schema.
 * @throws {ProtocolError} If the handler has arranged its data by another schema, if it has not
 * arranged them although the server's schema names columns, or if its data have names of columns
 * and the server has no schema: "schema-mismatch".
 */
export async function agreedDigest(
  handler: ClientBackendHandler,
  expected: Schema | undefined,
): Promise<string | undefined> {
  const { schema } = handler;
  if (schema === undefined) {
    if (expected === undefined) return undefined;
    if (!hasNamedColumns(expected)) return await schemaDigest(expected);
    throw mismatch(
      `expected data with the columns ${
        columnsOf(expected)
      }, got a handler that reads no schema; override setUp(model, schema) and its getter schema`,
    );
  }
  if (expected === undefined) {
    // Shape and number of classes are checked with the model; clients must have one generator.
    if (hasGenerator(schema)) return await schemaDigest(schema);
    if (!hasNamedColumns(schema)) return undefined;
    throw mismatch(
      `expected a schema for the columns ${
        columnsOf(schema)
      }, got a server without; update the server, or give this client the schema`,
    );
  }
  const digest = await schemaDigest(schema);
  if (digest === await schemaDigest(expected)) return digest;
  throw mismatch(compareSchemas(expected, schema) ?? "expected its digest, got another");
}

function mismatch(message: string): ProtocolError {
  return new ProtocolError("schema-mismatch", `Cannot train by the server's schema: ${message}`);
}

/** Lists the first columns of a schema. */
function columnsOf({ inputs }: Schema): string {
  const names = inputs.slice(0, MOST_NAMES).map(({ name }) => shownName(name)).join(", ");
  return inputs.length > MOST_NAMES ? `${names}, …` : names;
}
