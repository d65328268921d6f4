/** Tables of means and deviations over seeds, in Markdown. */

import type { Metrics } from "@fedlab/core/plan";
import type { SiteMetrics } from "./baselines.ts";

/** Column of a table: heading, name of the metric, and number of decimals. */
export interface TableColumn {
  readonly heading: string;
  readonly metric: string;
  readonly decimals: number;
}

/** Results of one way to train: one entry for each seed. */
export interface TableRows {
  readonly way: string;
  readonly runs: readonly SiteMetrics[];
}

/** Formats a table with a row for each site, and for all of them, and each way to train. */
export function formatTable(
  sites: readonly string[],
  ways: readonly TableRows[],
  columns: readonly TableColumn[],
): string {
  const places = [...sites, "all"];
  const rows = places.flatMap((site, i) =>
    ways.map(({ way, runs }) => {
      const metrics = runs.map(({ bySite, all }) => bySite[i] ?? all);
      return [site, way, ...columns.map((column) => spread(metrics, column))];
    })
  );
  const header = ["rows of", "trained", ...columns.map(({ heading }) => heading)];
  const lines = [header, header.map((_, i) => i < 2 ? "---" : "--:"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Formats mean and sample deviation of a metric over the seeds in which it is defined. */
function spread(metrics: readonly Metrics[], { metric, decimals }: TableColumn): string {
  const values = metrics.flatMap((one) => one[metric] ?? []);
  if (values.length === 0) return "–";
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  if (values.length === 1) return mean.toFixed(decimals);
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return `${mean.toFixed(decimals)} ± ${
    Math.sqrt(squares / (values.length - 1)).toFixed(decimals)
  }`;
}
