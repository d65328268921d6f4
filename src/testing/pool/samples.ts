import { digits } from "../../data/digits.ts";
import { initialParameters } from "../../engine/model_evaluator.ts";
import { resolveBuild } from "../../params/build.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { OwnSettings } from "../../plan/own_settings.ts";
import type { LocalRule } from "../../plan/rules/rules.ts";
import { DEFAULT_PLAN } from "../../round/handler/client_plan.ts";
import type { ClientPoolOptions, RoundInput } from "../../sim/client_pool.ts";
import { countsLength } from "../../train/confusion.ts";
import { mlp } from "../../train/models/models.ts";

/** Number of clients of the pool under test. */
export const CLIENTS = 6;
/** Number of rows of its test data. */
export const TEST_ROWS = 120;

/** Options of a pool under test, and the parameters to publish. */
export interface SamplePool {
  readonly options: ClientPoolOptions & { readonly parts: readonly Uint32Array[] };
  readonly parameters: ParameterVector;
  readonly rule: LocalRule | undefined;
}

/** Makes the options of a pool whose clients train a small model on a few digits each. */
export async function poolOptions(rule?: "scaffold"): Promise<SamplePool> {
  const all = await digits();
  const train = all.select(Array.from({ length: 150 }, (_, i) => i));
  const test = all.select(Array.from({ length: TEST_ROWS }, (_, i) => 1000 + i));
  const model = mlp({ inputShape: train.shape, numClasses: train.numClasses, hiddenUnits: 4 });
  const { manifest, parameters } = await initialParameters(model, 1);
  const options = {
    workers: 2,
    manifest,
    keepsOwn: rule !== undefined,
    hasControl: rule !== undefined,
    counts: countsLength(test.numClasses),
    model,
    handler: undefined,
    train,
    test,
    // Clients of 10, 14, 18 … rows.
    parts: Array.from(
      { length: CLIENTS },
      (_, i) => Uint32Array.from({ length: 10 + 4 * i }, (_, row) => 20 * i + row),
    ),
    testParts: undefined,
    // The last client has settings of its own.
    settings: Array.from(
      { length: CLIENTS },
      (_, i): OwnSettings => i === CLIENTS - 1 ? { epochs: 3, batchSize: 5 } : {},
    ),
    engine: "auto",
    backend: "auto",
    build: resolveBuild("auto"),
  } as const;
  return { options, parameters, rule: rule && { name: rule } };
}

/** Makes the input of round 1. */
export function inputOf({ parameters, rule }: SamplePool): RoundInput {
  return { plan: { ...DEFAULT_PLAN, round: 1, seed: 3, ...(rule && { rule }) }, parameters };
}
