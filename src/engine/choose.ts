import { didYouMean } from "../base/did_you_mean.ts";
import type { EngineChoice } from "../train/engine_choice.ts";
import type { TrainLogger } from "../train/sgd_handler.ts";
import { UnsupportedModelError } from "./graph/graph.ts";

/**
 * Calls `make`, which loads and uses the native engine, or returns `undefined` where tfjs is to run
 * the model.
 *
 * @throws {RangeError} If the engine is unknown.
 * @throws Any error of `make`, except an `UnsupportedModelError` under `"auto"`.
 */
export async function tryNative<T>(
  engine: EngineChoice,
  make: () => Promise<T>,
  logger?: TrainLogger,
): Promise<T | undefined> {
  if (engine !== "auto" && engine !== "native" && engine !== "tfjs") {
    throw new RangeError(
      `Cannot choose an engine: expected auto, native or tfjs, got ${JSON.stringify(engine)}${
        didYouMean(engine, ["auto", "native", "tfjs"])
      }`,
    );
  }
  let reason = "";
  if (engine !== "tfjs") {
    try {
      const made = await make();
      logger?.info?.("Training on the native engine");
      return made;
    } catch (error) {
      if (engine === "native" || !(error instanceof UnsupportedModelError)) throw error;
      reason = `, since the native engine does not run the model: ${error.message}`;
    }
  }
  logger?.info?.(`Training on tfjs${reason}`);
  return undefined;
}

/**
 * Checks that the native engine may run an encoder of texts, which no other engine does.
 *
 * @throws {UnsupportedModelError} If it is to be tfjs.
 */
export function checkEncoderEngine(engine: EngineChoice): void {
  if (engine !== "tfjs") return;
  throw new UnsupportedModelError(
    "Cannot build the model: only the native engine runs encoders of texts, got the engine tfjs",
  );
}
