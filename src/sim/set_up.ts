import { agreedDigest } from "../train/agreed_schema.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import type { JobRunnerOptions } from "./job_runner.ts";

/** Sets a handler up as a client does when it joins. */
export async function setUp(
  handler: ClientBackendHandler,
  { model, schema, train }: Pick<JobRunnerOptions, "model" | "schema" | "train">,
): Promise<void> {
  await handler.setUp(model, schema);
  // The simulation's own data are arranged already.
  if (train === undefined || handler.schema !== undefined) await agreedDigest(handler, schema);
}
