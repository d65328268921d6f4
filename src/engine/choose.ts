import { didYouMean } from "../base/did_you_mean.ts";
import type { EngineChoice } from "../train/engine_choice.ts";
import type { TrainLogger } from "../train/sgd_handler.ts";
import { UnsupportedModelError } from "./graph/graph.ts";

/** Ways to make something on each engine, which load the engine. */
interface Makers<Native, Tfjs> {
  native(): Native | Promise<Native>;
  tfjs(): Promise<Tfjs>;
}

/**
 * Makes something on the native engine, or on tfjs where the choice or the model asks for it.
 *
 * @throws {RangeError} If the engine is unknown.
 * @throws {UnsupportedModelError} If it is the native one, which does not run the model.
 * @throws Any other error of the engine that is used. Where neither runs the model, the message has
 * both reasons.
 */
export async function makeOn<Native, Tfjs>(
  engine: EngineChoice,
  { native, tfjs }: Makers<Native, Tfjs>,
  logger?: TrainLogger,
): Promise<Native | Tfjs> {
  if (engine !== "auto" && engine !== "native" && engine !== "tfjs") {
    throw new RangeError(
      `Cannot choose an engine: expected auto, native or tfjs, got ${JSON.stringify(engine)}${
        didYouMean(engine, ["auto", "native", "tfjs"])
      }`,
    );
  }
  let reason: string | undefined;
  if (engine !== "tfjs") {
    try {
      const made = await native();
      logger?.info?.("Training on the native engine");
      return made;
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      if (engine === "native") {
        throw new UnsupportedModelError(
          `${error.message}; tfjs may run the model (engine auto, --engine auto)`,
          { cause: error },
        );
      }
      reason = error.message;
    }
  }
  const because = reason === undefined
    ? ""
    : `, since the native engine does not run the model: ${reason}`;
  logger?.info?.(`Training on tfjs${because}`);
  try {
    return await tfjs();
  } catch (cause) {
    if (reason === undefined || !(cause instanceof TypeError)) throw cause;
    throw new TypeError(`${cause.message}; the native engine does not run it either: ${reason}`, {
      cause,
    });
  }
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
