/** A federation beside each site alone and beside all rows in one place, on the same rows. */

import { modelByName, type ParameterVector, type TrainSettings } from "@fedlab/core";
import type { Metrics } from "@fedlab/core/plan";
import { modelOptionsOf } from "@fedlab/core/train";
import { evaluateSites, type SiteMetrics, train } from "./baselines.ts";
import { type FederationSettings, runFederation } from "./federation.ts";
import { pool, readSites, type SiteRows } from "./rows.ts";

/** Settings of a comparison, for the commands and for the library. */
export interface Study extends Pick<FederationSettings, "sites" | "holdOut"> {
  /** Name of a model, as of `--model`. */
  readonly model: string;
  readonly rounds: number;
  readonly plan: Pick<TrainSettings, "learningRate" | "weightDecay" | "batchSize">;
  /** Options of the server that say what the columns mean. */
  readonly meaning: readonly string[];
}

/** Ways to train that are compared. */
export const WAYS = ["federated", "alone", "pooled"] as const;

/** Metrics by way of training, and the rows that they are of. */
export type Comparison = Readonly<Record<typeof WAYS[number], SiteMetrics>> & {
  readonly rows: readonly SiteRows[];
};

/** Largest difference of a metric that is computed twice, by a client and here. */
const TOLERANCE = 1e-4;

/** Trains and evaluates in all ways with a seed. The folder becomes that of the federation's run. */
export async function compare(folder: string, study: Study, seed: number): Promise<Comparison> {
  const { sites, holdOut, rounds, plan } = study;
  const { learningRate, weightDecay, batchSize } = plan;
  const { report, trained } = await runFederation(folder, {
    ...{ sites, holdOut, seed },
    server: [
      ...["--model", study.model, "--rounds", `${rounds}`, "--lr-schedule", "cosine"],
      ...["--lr", `${learningRate}`, "--weight-decay", `${weightDecay}`],
      ...["--batch-size", `${batchSize}`],
      ...study.meaning,
    ],
  });
  const { schema, parameters } = trained;
  if (schema === undefined) throw new Error(`Expected a schema in ${folder}`);
  const rows = await readSites({ sites, holdOut, seed }, schema);
  const [first] = rows;
  if (first === undefined) throw new RangeError("Cannot compare: expected a site");
  const model = modelByName(study.model, modelOptionsOf(first.train));

  const again = await evaluateSites(rows, model, () => parameters);
  const byRank = report.final?.clients?.byRank ?? [];
  const federated = {
    bySite: rows.map((_, i) => byRank.find(({ rank }) => rank === i + 1)?.metrics ?? {}),
    all: report.final?.metrics ?? {},
  };
  // The same model has the same metrics on the same rows alone.
  [...federated.bySite, federated.all].forEach((reported, i) =>
    checkSame(reported, again.bySite[i] ?? again.all, rows[i]?.name ?? "all sites")
  );

  const training = { model, plan, rounds, seed };
  const parts = rows.map(({ train }) => train);
  const simulated = await train(parts, training);
  if (!parameters.every((x, i) => x === simulated[i])) {
    throw new Error(`Expected the parameters of a simulation of the same rows in ${folder}`);
  }
  const own: ParameterVector[] = [];
  for (const part of parts) own.push(await train([part], training));
  const pooled = await train([pool(parts)], training);
  return {
    federated,
    alone: await evaluateSites(rows, model, (i) => own[i]),
    pooled: await evaluateSites(rows, model, () => pooled),
    rows,
  };
}

function checkSame(reported: Metrics, computed: Metrics, site: string): void {
  const names = new Set([...Object.keys(reported), ...Object.keys(computed)]);
  for (const name of names) {
    const [a = NaN, b = NaN] = [reported[name], computed[name]];
    if (Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(b))) continue;
    throw new Error(`Expected the same rows of ${site}: ${name} is ${a} in the report, ${b} here`);
  }
}
