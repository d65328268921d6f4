/**
 * Probe of how a machine rounds.
 *
 * @module
 */

import { sha256Hex } from "../base/hash.ts";
import { fillNormal } from "../base/normal_fill.ts";
import { Random } from "../base/random.ts";
import { digits } from "../data/digits.ts";
import { initialParameters } from "../engine/model_evaluator.ts";
import { DEFAULT_PLAN } from "../round/handler/client_plan.ts";
import type { ClientPoolOptions } from "../sim/client_pool.ts";
import { InProcessPool } from "../sim/in_process_pool.ts";
import { mlp } from "../train/models/models.ts";

/** Rows of the data that the probe trains on. */
const ROWS = 16;
/** Deviation of the parameters that it begins with. */
const DEVIATION = 0.05;
const SEED = 1;
/** Most bytes of a model that the probe trains itself: a larger one would fill the memory. */
const MOST_BYTES = 2 ** 24;

/** Parts of a session that the probe needs. */
export type ProbeOptions = Pick<
  ClientPoolOptions,
  "manifest" | "model" | "schema" | "train" | "engine" | "backend" | "build"
>;

/**
 * Trains the model of a session on a few rows, and returns the digest of the result: machines that
 * give another one round otherwise. Without a model or data, or with a model above 16 MB, it trains
 * a small model on the digits.
 * It runs on the kernels that `useKernelBuild` chose.
 */
export async function probeOf(options: ProbeOptions): Promise<string> {
  const { train, model, manifest: { byteLength } } = options;
  const isOwn = train !== undefined && model !== undefined && byteLength <= MOST_BYTES;
  return await trainedDigest(isOwn ? { ...options, train } : await sample(options));
}

async function sample(options: ProbeOptions): Promise<ProbeOptions> {
  const train = await digits(), { shape: inputShape, numClasses } = train;
  const model = mlp({ inputShape, numClasses, hiddenUnits: 8 });
  const { manifest } = await initialParameters(model, SEED);
  return { ...options, manifest, model, train, schema: undefined };
}

async function trainedDigest(options: ProbeOptions): Promise<string> {
  const rows = Math.min(ROWS, options.train?.length ?? 0);
  const parameters = new Float32Array(options.manifest.length);
  fillNormal(parameters, new Random(SEED, "initial-weights"));
  parameters.forEach((value, i) => parameters[i] = value * DEVIATION);
  await using pool = await InProcessPool.start({
    ...options,
    ...{ workers: 1, keepsOwn: false, hasControl: false, counts: 0 },
    ...{ handler: undefined, test: undefined, testParts: undefined },
    parts: [Uint32Array.from({ length: rows }, (_, row) => row)],
  });
  pool.publish({
    plan: { ...DEFAULT_PLAN, batchSize: ROWS / 2, round: 1, seed: SEED },
    parameters,
  });
  let digest = Promise.resolve("");
  await pool.run([{ kind: "train", round: 1, rank: 1 }], {
    take: (_, outcome) => {
      digest = sha256Hex(
        outcome.kind === "trained"
          ? outcome.update.slice()
          : new TextEncoder().encode(JSON.stringify(outcome)),
      );
    },
  });
  return await digest;
}
