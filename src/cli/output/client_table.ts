import type { RunReport } from "../../round/report/report.ts";
import { Table } from "./table_deps.ts";

/** Largest number of clients of which there is a table. */
const TABLE_CLIENTS = 20;

/** Further figures of a client, in this order, as far as there are any. */
const FIGURES = ["rocAuc", "rmse"];

/**
 * Formats the evaluations of the final parameters by the clients as a table; `undefined` where
 * there are none, or those of more than 20 clients.
 */
export function clientTable({ final }: RunReport): string | undefined {
  const { byRank = [], accuracy } = final?.clients ?? {};
  if (byRank.length === 0 || byRank.length > TABLE_CLIENTS) return undefined;
  const figures = FIGURES.filter((name) => byRank.some(({ metrics = {} }) => name in metrics));
  const head = ["client", "rows", "loss", ...(accuracy ? ["accuracy"] : []), ...figures];
  const table = new Table({
    head,
    colAligns: head.map((_, i) => i === 0 ? "left" : "right"),
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const { rank, site, samples, loss, accuracy: own, metrics = {}, onTrainingRows } of byRank) {
    table.push([
      site === undefined ? `rank ${rank}` : `${rank} ${site}`,
      onTrainingRows ? `${samples} trained on` : samples,
      loss?.toFixed(4) ?? "",
      ...(accuracy ? [own === undefined ? "" : `${(own * 100).toFixed(2)}%`] : []),
      ...figures.map((name) => metrics[name]?.toPrecision(4) ?? ""),
    ]);
  }
  return table.toString();
}
