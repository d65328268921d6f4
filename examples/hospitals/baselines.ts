/** Training without a federation, by the library: each site alone, and all rows in one place. */

import {
  type Dataset,
  initialParameters,
  type ModelDescription,
  modelEvaluator,
  type ParameterVector,
  Simulation,
  SyncParameterServerHandler,
  type TrainSettings,
} from "@fedlab/core";
import { InProcessPool } from "@fedlab/core/sim";
import { addSums, metricsOf } from "@fedlab/core/train";
import type { EvaluateResult, Metrics } from "@fedlab/core/plan";
import { pool, type SiteRows } from "./rows.ts";

/** Settings of local training, the same as those of the federation. */
export interface Training {
  readonly model: ModelDescription;
  readonly plan: Partial<TrainSettings>;
  readonly rounds: number;
  readonly seed: number;
}

/** Metrics of the held-out rows of each site, and of all of them together. */
export interface SiteMetrics {
  readonly bySite: readonly Metrics[];
  readonly all: Metrics;
}

/** Trains by FedAvg in this process; with one part, as without a federation. */
export async function train(
  parts: readonly Dataset[],
  { model, plan, rounds, seed }: Training,
): Promise<ParameterVector> {
  const all = pool(parts);
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(model, seed),
    ...{ model, plan, seed },
    ...(all.schema && { schema: all.schema }),
    schedule: { name: "cosine", rounds },
  });
  let row = 0;
  const rows = parts.map(({ length }) => Uint32Array.from({ length }, () => row++));
  const options = { train: all, parts: rows, rounds, evaluateEvery: rounds };
  await new Simulation(handler, { ...options, pool: InProcessPool.start }).run();
  return handler.parameters;
}

/**
 * Evaluates on the rows that the sites hold out.
 *
 * @param vectorOf Gives the parameters that a site uses.
 */
export async function evaluateSites(
  sites: readonly SiteRows[],
  model: ModelDescription,
  vectorOf: (site: number) => ParameterVector | undefined,
): Promise<SiteMetrics> {
  const results: EvaluateResult[] = [];
  for (const [i, { test }] of sites.entries()) {
    await using evaluator = await modelEvaluator(model, test);
    results.push(await evaluator.evaluate(vectorOf(i) ?? new Float32Array()));
  }
  const sums = results.flatMap(({ sums }) => sums ?? []).reduce(addSums);
  return { bySite: results.map(({ metrics = {} }) => metrics), all: metricsOf(sums) };
}
