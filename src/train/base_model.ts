import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { LossName, ModelDescription } from "./handler.ts";
import type { Inference } from "./inference.ts";
import type { SamplesOptions } from "./samples.ts";
import type { Trainer } from "./trainer.ts";

/**
 * Pretrained model that a client holds, on which models of the format `text-encoder` are built. It
 * is no part of what is trained or sent.
 */
export interface BaseModel {
  /**
   * Builds the trainer of a described model.
   *
   * @throws {TypeError} If the description cannot be read.
   * @throws {BaseMismatchError} If the model is described for another base.
   * @throws {RangeError} If the data does not fit the model, or the base its description.
   */
  createTrainer(
    description: ModelDescription,
    samples: SamplesOptions,
    loss: LossName,
  ): Promise<Trainer>;
  /**
   * Builds a described model with its parameters, to compute outputs. The errors are those of
   * {@linkcode BaseModel.createTrainer}.
   */
  createInference(
    description: ModelDescription,
    trained: { readonly manifest: Manifest; readonly parameters: ParameterVector },
  ): Promise<Inference>;
}

/** Error of a model that is described for another base than the one that is there. */
export class BaseMismatchError extends Error {
  /** Name of the error. */
  override readonly name = "BaseMismatchError";
}

/**
 * Returns the base.
 *
 * @throws {TypeError} If there is none.
 */
export function needBase(base: BaseModel | undefined): BaseModel {
  if (base) return base;
  throw new TypeError(
    "Cannot build the model: it is described on a pretrained base; give its file (option base, --base)",
  );
}
