import { errorMessage, ProtocolError } from "../../base/errors.ts";
import { compareSchemas } from "../../data/schema/compare.ts";
import { parseSchema } from "../../data/schema/parse.ts";
import { schemaDigest } from "../../data/schema/digest.ts";
import type { Schema } from "../../data/schema/schema.ts";
import { compareManifests } from "../../params/compare_manifests.ts";
import { Manifest } from "../../params/manifest.ts";
import type { ClientBackendHandler } from "../../train/handler.ts";
import { parseModelDescription } from "../../train/models/model_description.ts";
import type { IdAssignmentPayload } from "../../wire/messages.ts";

/**
 * Reads the schema of a server.
 *
 * @param own The schema that the client expects, or uses where the server has none.
 * @returns The schema to arrange the data by; `undefined` if neither side has one.
 * @throws {ProtocolError} If it is no schema of this version, has another digest than the server
 * says, or is not the one that the client expects: "schema-mismatch".
 */
export async function agreedSchema(
  payload: IdAssignmentPayload,
  own: Schema | undefined,
): Promise<Schema | undefined> {
  const schema = await readServerSchema(payload);
  const difference = schema && own && compareSchemas(own, schema);
  if (difference === undefined) return schema ?? own;
  throw new ProtocolError(
    "schema-mismatch",
    `Cannot join: the server has another schema than this client was given: ${difference}`,
  );
}

async function readServerSchema(
  { schema: value, schemaDigest: expected }: IdAssignmentPayload,
): Promise<Schema | undefined> {
  const where = "Cannot read the server's schema";
  if (value === undefined) return undefined;
  let schema: Schema;
  try {
    schema = parseSchema(value);
  } catch (cause) {
    throw new ProtocolError("schema-mismatch", `${where}: ${errorMessage(cause)}`, { cause });
  }
  const digest = await schemaDigest(schema);
  if (digest === expected) return schema;
  throw new ProtocolError(
    "schema-mismatch",
    `${where}: expected the digest ${expected ?? "in schemaDigest"}, got ${digest}`,
  );
}

/** Builds the model of the run and checks that it is the server's. */
export async function build(
  handler: ClientBackendHandler,
  payload: IdAssignmentPayload,
  schema: Schema | undefined,
): Promise<void> {
  const manifest = Manifest.of(payload.manifest);
  const model = payload.model && parseModelDescription(payload.model);
  await handler.setUp(model, schema);
  const manifestDigest = await handler.manifest.digest();
  if (manifestDigest !== payload.manifestDigest) {
    throw new ProtocolError(
      "manifest-mismatch",
      `Cannot train the server's model: ${compareManifests(manifest, handler.manifest)}`,
    );
  }
}
