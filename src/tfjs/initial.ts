import type { BackendChoice } from "../train/engine_choice.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { ModelDescription } from "../train/handler.ts";
import { type BackendLogger, startBackend } from "./backend.ts";
import { buildModel } from "./network.ts";
import { Weights } from "./weights.ts";

/** Builds a model with tfjs to get its manifest and the state that its initializers give. */
export async function initialState(
  description: ModelDescription,
  backend?: BackendChoice,
  logger?: BackendLogger,
): Promise<{ manifest: Manifest; parameters: ParameterVector }> {
  await startBackend(backend, logger);
  const model = await buildModel(description);
  try {
    const weights = Weights.of(model);
    return { manifest: weights.manifest, parameters: weights.gather().vector };
  } finally {
    model.dispose();
  }
}
