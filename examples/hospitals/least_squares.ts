/** Least squares in closed form, from the lines of the files alone. */

import { holdOut } from "@fedlab/core";
import type { Metrics } from "@fedlab/core/plan";
import type { SiteMetrics } from "./baselines.ts";
import type { Study } from "./comparison.ts";

/** Row of numbers, the last of which is the target. */
type Row = readonly number[];

/** Fits the rows to train on of all sites, and evaluates on those that each holds out. */
export async function leastSquares(
  { sites, holdOut: share }: Pick<Study, "sites" | "holdOut">,
  seed: number,
): Promise<SiteMetrics> {
  const split = await Promise.all(sites.map(async ({ path }) => {
    const [, ...lines] = (await Deno.readTextFile(path)).trim().split("\n");
    const rows = lines.map((line): Row => line.split(",").map(Number));
    const { train, test } = holdOut(rows.keys().toArray(), { share, seed, index: 0 });
    const take = (places: Uint32Array) => [...places].map((place) => rows[place] ?? []);
    return { train: take(train), test: take(test) };
  }));
  const weights = fit(split.flatMap(({ train }) => train));
  const bySite = split.map(({ test }) => metricsOf(test, weights));
  return { bySite, all: metricsOf(split.flatMap(({ test }) => test), weights) };
}

/** Solves the normal equations. The first weight is the intercept. */
function fit(rows: readonly Row[]): number[] {
  const width = rows[0]?.length ?? 0;
  const equations = Array.from({ length: width }, () => new Float64Array(width + 1));
  for (const row of rows) {
    const x = inputsOf(row);
    equations.forEach((equation, i) => {
      x.forEach((value, j) => equation[j] = (equation[j] ?? 0) + (x[i] ?? 0) * value);
      equation[width] = (equation[width] ?? 0) + (x[i] ?? 0) * (row.at(-1) ?? NaN);
    });
  }
  return solve(equations);
}

/** Eliminates by rows, each time by the one with the largest value (Gauss and Jordan). */
function solve(equations: Float64Array[]): number[] {
  equations.forEach((_, k) => {
    const sizes = equations.map((equation, i) => i < k ? -1 : Math.abs(equation[k] ?? 0));
    const best = sizes.indexOf(Math.max(...sizes));
    const [pivot, other] = [equations[best], equations[k]];
    if (!pivot || !other) return;
    [equations[k], equations[best]] = [pivot, other];
    for (const [i, equation] of equations.entries()) {
      if (i === k) continue;
      const factor = (equation[k] ?? 0) / (pivot[k] ?? NaN);
      equation.forEach((value, j) => equation[j] = value - factor * (pivot[j] ?? 0));
    }
  });
  return equations.map((equation, i) => (equation.at(-1) ?? NaN) / (equation[i] ?? NaN));
}

function inputsOf(row: Row): number[] {
  return [1, ...row.slice(0, -1)];
}

function metricsOf(rows: readonly Row[], weights: readonly number[]): Metrics {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const targets = rows.map((row) => row.at(-1) ?? NaN);
  const errors = rows.map((row, i) =>
    inputsOf(row).reduce((sum, x, j) => sum + x * (weights[j] ?? NaN), 0) - (targets[i] ?? NaN)
  );
  const square = mean(errors.map((error) => error ** 2));
  const center = mean(targets);
  return {
    rmse: Math.sqrt(square),
    mae: mean(errors.map(Math.abs)),
    r2: 1 - square / mean(targets.map((target) => (target - center) ** 2)),
  };
}
