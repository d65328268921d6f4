import { didYouMean } from "../../base/did_you_mean.ts";
import { INIT_NAMES, type InitName, type ModelOptions } from "./model_options.ts";

const KERNELS: Readonly<Record<InitName, string>> = { zeros: "Zeros", glorot: "GlorotUniform" };

/** Returns the initializers of a layer. */
export function initializers(init: InitName): Record<string, unknown> {
  return {
    kernel_initializer: { class_name: KERNELS[init], config: {} },
    bias_initializer: { class_name: "Zeros", config: {} },
  };
}

/**
 * Returns the initial weights of a model.
 *
 * @param isDeep True for a model with hidden layers, whose units would stay equal from zeros.
 * @throws {RangeError} If the name is unknown, or zeros are asked for such a model.
 */
export function initOf(name: string, { init }: ModelOptions, isDeep: boolean): InitName {
  const chosen = init ?? (isDeep ? "glorot" : "zeros");
  if (!INIT_NAMES.includes(chosen)) {
    throw new RangeError(
      `Cannot describe the model: expected initial weights ${INIT_NAMES.join(" or ")}, got ${
        JSON.stringify(chosen)
      }${didYouMean(chosen, INIT_NAMES)}`,
    );
  }
  if (!isDeep || chosen !== "zeros") return chosen;
  throw new RangeError(
    `Cannot describe the model: expected initial weights glorot for ${name}, whose hidden layers learn nothing from zeros`,
  );
}
