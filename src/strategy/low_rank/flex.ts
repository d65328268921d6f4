/**
 * Averaging of low-rank adapters by their products.
 *
 * @module
 */

import { blend } from "../../params/kernels.ts";
import type { Manifest, ParameterVector, TensorSpec } from "../../params/manifest.ts";
import type { ClientSettings, RoundInfo, Strategy, StrategyRound } from "../strategy.ts";
import { workingVector } from "../working.ts";
import { ProductMean } from "./product_mean.ts";

export type { FlexRule } from "../../plan/rules/flex.ts";

/** Endings of the names of an adapter's matrices, `[rank, inputs]` and `[outputs, rank]`. */
const A = "/lora_A", B = "/lora_B";

/** Part of the largest singular value below which one counts as 0. */
const NOTHING = 1e-12;

/** Matrices of an adapter in the layout. */
interface Adapter {
  readonly a: TensorSpec;
  readonly b: TensorSpec;
  readonly rank: number;
  readonly inputs: number;
  readonly outputs: number;
}

/**
 * Mean of the products of low-rank adapters, for clients of unequal ranks (FlexLoRA).
 *
 * Bai et al. 2024, "Federated Fine-tuning of Large Language Models under Heterogeneous Tasks and
 * Client Resources", section 3: the server averages the products `B A` by number of samples, not
 * the matrices, and a truncated singular value decomposition of the mean `U Σ V^T` gives each
 * client adapters of its own rank. Here the matrices of the model's rank are `B = U √Σ` and
 * `A = √Σ V^T` with the largest singular values first, so that a client of a lower rank takes the
 * first columns of `B` and rows of `A`, which are the best approximation of that rank. Where a
 * singular value is 0, the column of `B` is zeros and the row of `A` stays, so that it can be
 * trained.
 *
 * All other values, and models without adapters, are averaged as by FedAvg. `A` and `B` are tensors
 * of the layout (`RoundInfo.manifest`) whose names end with `lora_A` and `lora_B`.
 *
 * @example
 * ```ts
 * import { Flex, Manifest } from "@fedlab/core";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const manifest = Manifest.of([
 *   { name: "query/lora_A", shape: [1, 2] },
 *   { name: "query/lora_B", shape: [1, 1] },
 * ]);
 * const info = { round: 1, numClients: 2, plan: new Flex().clientSettings, manifest };
 * const round = new Flex().begin(new Float32Array(3), info as never);
 * round.accept({ rank: 1, parameters: new Float32Array([1, 0, 2]), numSamples: 1 });
 * round.accept({ rank: 2, parameters: new Float32Array([0, 1, 4]), numSamples: 1 });
 * const [a1 = 0, a2 = 0, b = 0] = round.finish();
 * // The mean of the products [2, 0] and [0, 4], not the product of the means.
 * assertAlmostEquals(b * a1, 1, 1e-6);
 * assertAlmostEquals(b * a2, 2, 1e-6);
 * ```
 */
export class Flex implements Strategy {
  /** Name in reports. */
  readonly name = "flex";
  /** Number of working vectors: the mean as it grows. */
  readonly workingVectors = 1;
  /** Clients may train adapters of a lower rank than the model's. */
  readonly clientSettings: ClientSettings = { rule: { name: "flex" } };
  #mean: ParameterVector | undefined;

  /** Opens a round. */
  begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    const mean = this.#mean = workingVector(this.#mean, global);
    const adapters = info?.manifest ? adaptersIn(info.manifest) : [];
    const products = adapters.map((adapter) => new ProductMean(adapter));
    let samples = 0;
    return {
      accept({ parameters, numSamples }) {
        samples += numSamples;
        if (samples === numSamples) mean.set(parameters);
        else blend(mean, parameters, numSamples / samples);
        for (const [i, { a, b }] of adapters.entries()) {
          products[i]?.add(valuesOf(parameters, b), valuesOf(parameters, a), numSamples);
        }
      },
      finish() {
        if (samples === 0) return global;
        for (const [i, adapter] of adapters.entries()) {
          const product = products[i];
          if (product) divide(product, adapter, { mean, global });
        }
        return mean;
      },
    };
  }
}

/** Writes the adapters of the mean of products. */
function divide(
  product: ProductMean,
  { a, b, rank, inputs, outputs }: Adapter,
  { mean, global }: { mean: ParameterVector; global: ParameterVector },
): void {
  const { values, left, right } = product.parts(), largest = values[0] ?? 0;
  for (let k = 0; k < rank; k++) {
    const value = values[k] ?? 0, isNone = value <= NOTHING * largest;
    const root = Math.sqrt(value);
    for (let o = 0; o < outputs; o++) {
      mean[b.offset + o * rank + k] = isNone ? 0 : root * (left[o * rank + k] ?? 0);
    }
    for (let i = 0; i < inputs; i++) {
      const place = a.offset + k * inputs + i;
      mean[place] = isNone ? global[place] ?? 0 : root * (right[k * inputs + i] ?? 0);
    }
  }
}

function adaptersIn({ tensors }: Manifest): Adapter[] {
  return tensors.flatMap((a) => {
    if (!a.name.endsWith(A)) return [];
    const b = tensors.find(({ name }) => name === a.name.slice(0, -A.length) + B);
    const [rank = 0, inputs = 0] = a.shape, [outputs = 0, columns] = b?.shape ?? [];
    return b !== undefined && columns === rank && rank > 0 ? [{ a, b, rank, inputs, outputs }] : [];
  });
}

function valuesOf(vector: ParameterVector, { offset, length }: TensorSpec): ParameterVector {
  return vector.subarray(offset, offset + length);
}
