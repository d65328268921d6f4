/**
 * Digest of a schema.
 *
 * @module
 */

import { sha256Hex } from "../../base/hash.ts";
import { normalSchema } from "./normal.ts";
import type { Schema } from "./schema.ts";

/**
 * Returns a JSON value in the canonical form of RFC 8785: object keys sorted by UTF-16 codes, no
 * blanks. Fields that are `undefined` are left out.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => a < b ? -1 : 1);
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`)}}`;
}

/**
 * Computes the digest of a schema: the SHA-256, as 64 hexadecimal digits, of its JSON in canonical
 * form (RFC 8785) without fields that state a default. Parties of a run have the same digest.
 *
 * @example Fields that state a default do not count
 * ```ts
 * import { parseSchema, type Schema, schemaDigest } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const target = { name: "ill", task: "classification", classes: ["no", "yes"] } as const;
 * const short: Schema = {
 *   format: "fedlab.schema/1",
 *   inputs: [{ name: "age", kind: "number" }],
 *   target,
 * };
 * const long = { ...short, inputs: [{ ...short.inputs[0], missing: { policy: "error" } }] };
 * assertEquals(await schemaDigest(short), await schemaDigest(parseSchema(long)));
 * ```
 */
export function schemaDigest(schema: Schema): Promise<string> {
  return sha256Hex(new TextEncoder().encode(canonicalJson(normalSchema(schema))));
}
