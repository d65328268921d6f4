import type { PartitionReport } from "../../data/partition/report.ts";
import { Table } from "./table_deps.ts";

/** Formats the statistics of a partition as a table. */
export function partitionTable(report: PartitionReport): string {
  const { sizes, labelsPerPart } = report;
  const table = new Table({
    head: ["", "smallest", "middle", "largest"],
    colAligns: ["left", "right", "right", "right"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  table.push(
    ["rows of a client", sizes.smallest, `${sizes.median} (median)`, sizes.largest],
    [
      "labels of a client",
      labelsPerPart.fewest,
      `${labelsPerPart.mean.toFixed(1)} (mean)`,
      labelsPerPart.most,
    ],
    ["total variation", "", `${report.meanTotalVariation.toFixed(3)} (mean)`, ""],
  );
  return table.toString();
}
