/**
 * Skew of features: each client sees the world through noise of its own.
 *
 * @module
 */

import { Random } from "../../base/random.ts";
import { Dataset } from "../dataset.ts";
import { checkCount, checkRange, type PartitionSeedOptions } from "./rows.ts";

/** Whose noise {@linkcode addFeatureNoise} adds. */
export interface FeatureNoiseOptions extends PartitionSeedOptions {
  /** Standard deviation of the last client's noise, in units of the features, from 0 to 1e6. */
  noise: number;
  /** Which client this is, from 1 to `parts`. */
  index: number;
  /** Number of clients. */
  parts: number;
}

/** Fails unless the noise is in its range. */
export function checkNoise(noise: number): void {
  checkRange("a noise", noise, 0, 1e6);
}

/**
 * A copy of a client's data whose features have Gaussian noise of standard deviation `noise · index / parts`.
 *
 * The draws depend on `seed` and `index` alone. Labels and shape stay. Throws a `RangeError` when `noise` is out of range or
 * `index` is not from 1 to `parts`.
 *
 * Li et al. 2022, "Federated Learning on Non-IID Data Silos: An Experimental Study", "noise-based feature
 * imbalance".
 *
 * @example The last of ten clients
 * ```ts
 * import { addFeatureNoise, Dataset } from "@fedlab/core";
 * import { assertNotEquals } from "@std/assert";
 *
 * const data = new Dataset(new Float32Array(4), new Int32Array(4), [1], 1);
 * const noisy = addFeatureNoise(data, { noise: 0.1, index: 10, parts: 10, seed: 1 });
 * assertNotEquals(noisy.features, data.features);
 * ```
 */
export function addFeatureNoise(
  data: Dataset,
  { noise, index, parts, seed }: FeatureNoiseOptions,
): Dataset {
  checkNoise(noise);
  checkCount("parts", parts);
  checkCount("parts before and with this one", index);
  if (index > parts) {
    throw new RangeError(
      `Cannot add noise to the features: expected a part from 1 to ${parts}, got ${index}`,
    );
  }
  const random = new Random(seed, "feature-noise", { rank: index });
  const deviation = noise * index / parts;
  const features = data.features.map((value) => value + deviation * random.normal());
  return new Dataset(features, data.labels, data.shape, data.numClasses);
}
