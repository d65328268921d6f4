import {
  initialParameters,
  logisticRegression,
  type Manifest,
  type ModelDescription,
} from "../../mod.ts";
import type { Schema } from "../../src/data/mod.ts";
import type { TrainedModel } from "../../src/train/mod.ts";

/** Schema of four features: two numbers, one of them filled in and standardized, and a category. */
export const WARD: Schema = {
  format: "fedlab.schema/1",
  inputs: [
    { name: "age", kind: "number", missing: { policy: "drop" } },
    {
      name: "chol",
      kind: "number",
      missing: { policy: "mean", fill: 200 },
      standardize: { mean: 200, deviation: 50 },
    },
    { name: "sex", kind: "category", categories: ["f", "m"] },
  ],
  target: { name: "ill", task: "classification", classes: ["no", "yes"] },
};

/** Logistic regression on {@linkcode WARD}: kernel `[4, 2]`, then bias. */
export const WARD_WEIGHTS = [0.02, -0.03, 0.5, -0.25, 0.125, 0.75, -1, 0.25, 0.1, -0.2];

/** The model of {@linkcode WARD} with {@linkcode WARD_WEIGHTS}. */
export async function wardModel(): Promise<TrainedModel & { model: ModelDescription }> {
  const model = logisticRegression({ inputShape: [4], numClasses: 2 });
  return { ...await withWeights(model, WARD_WEIGHTS), schema: WARD };
}

/** A model with the given parameters. */
export async function withWeights(
  model: ModelDescription,
  values: readonly number[],
): Promise<{
  model: ModelDescription;
  manifest: Manifest;
  parameters: Float32Array<ArrayBuffer>;
  metadata: Record<string, string>;
}> {
  const { manifest } = await initialParameters(model, 1);
  const parameters = Float32Array.from(values);
  manifest.check(parameters);
  return { model, manifest, parameters, metadata: {} };
}

/** Probabilities of the classes by {@linkcode WARD_WEIGHTS}, computed with plain arithmetic. */
export function wardProbabilities(age: number, chol: number, sex: "f" | "m"): [number, number] {
  const x = [age, (chol - 200) / 50, sex === "f" ? 1 : 0, sex === "m" ? 1 : 0];
  const logit = (k: number) =>
    x.reduce((sum, value, i) => sum + value * (WARD_WEIGHTS[i * 2 + k] ?? 0), 0) +
    (WARD_WEIGHTS[8 + k] ?? 0);
  const yes = 1 / (1 + Math.exp(logit(0) - logit(1)));
  return [1 - yes, yes];
}
