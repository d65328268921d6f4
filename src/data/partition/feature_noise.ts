/**
 * Feature skew: noise of a different level for each client.
 *
 * @module
 */

import { Random } from "../../base/random.ts";
import type { Dataset } from "../dataset.ts";
import { checkCount, checkRange } from "./rows.ts";
import type { PartitionSeedOptions } from "./types.ts";

/** Options of {@linkcode addFeatureNoise}. */
export interface FeatureNoiseOptions extends PartitionSeedOptions {
  /**
   * Standard deviation of the noise of the last client, in units of the features, from 0 to 1e6.
   */
  noise: number;
  /** Number of the client, from 1 to `parts`. */
  index: number;
  /** Number of clients. */
  parts: number;
}

/** Throws a `RangeError` unless the noise is in its range. */
export function checkNoise(noise: number): void {
  checkRange("a noise", noise, 0, 1e6);
}

/**
 * Copies the data of a client and adds Gaussian noise of standard deviation `noise · index / parts`
 * to the features. The draws depend on `seed` and `index` alone.
 *
 * Li et al. 2022, "Federated Learning on Non-IID Data Silos: An Experimental Study", "noise-based
 * feature imbalance".
 *
 * @throws {RangeError} If `noise` is out of range, or `index` is not from 1 to `parts`.
 *
 * @example The last of ten clients
 * ```ts
 * import { Dataset } from "@fedlab/core";
 * import { addFeatureNoise } from "@fedlab/core/data";
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
  return data.withFeatures(features);
}
