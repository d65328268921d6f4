import type { Schema } from "../data/schema/schema.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { checkSchema } from "../train/arranged_samples.ts";
import type { SimulationOptions } from "./options.ts";

/** Returns the server's schema or, where it has none, that of the clients' data. */
export function schemaOf(
  { schema }: SyncServerBackendHandler,
  { train }: SimulationOptions,
): Schema | undefined {
  return schema ?? train?.schema;
}

/**
 * Checks that the data of a simulation are arranged by its schema.
 *
 * @throws {RangeError} If they are not.
 */
export function checkSchemas(handler: SyncServerBackendHandler, options: SimulationOptions): void {
  const schema = schemaOf(handler, options), { train, test } = options;
  if (schema === undefined) return;
  if (train) checkSchema(train, schema);
  if (test?.schema) checkSchema(test, schema);
}
