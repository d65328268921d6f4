/**
 * Bundled data set of handwritten digits.
 *
 * @module
 */

import type { Dataset } from "./dataset.ts";
import { parseIdx } from "./formats/idx/idx.ts";
import { idxDataset } from "./formats/idx/idx_dataset.ts";

/** Largest value of a pixel, which counts the black points of a 4 x 4 block. */
const MAX_PIXEL = 16;

/**
 * Gives the 1,797 handwritten digits of 8 x 8 pixels that scikit-learn has as `load_digits`:
 * features from 0 to 1 of row shape `[8, 8, 1]`, in 10 classes. They are part of this package:
 * nothing is read from disk or downloaded.
 *
 * E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
 * Repository, https://doi.org/10.24432/C50P49, licensed CC BY 4.0.
 *
 * @example Size of the data set
 * ```ts
 * import { digits } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const data = await digits();
 * assertEquals([data.length, data.rowLength, data.numClasses], [1797, 64, 10]);
 * ```
 */
export async function digits(): Promise<Dataset> {
  const { DIGITS_IMAGES_BASE64, DIGITS_LABELS_BASE64 } = await import(
    "../generated/digits_data.ts"
  );
  const read = async (name: string, base64: string) => ({
    name,
    ...await parseIdx(Uint8Array.fromBase64(base64), name),
  });
  return idxDataset(
    await read("the digits' images", DIGITS_IMAGES_BASE64),
    await read("the digits' labels", DIGITS_LABELS_BASE64),
    { scale: 1 / MAX_PIXEL, numClasses: 10 },
  );
}
