import { embeddedPicture, type MediaBundle } from "../../display/media.ts";
import { headedTables } from "../../display/headed_tables.ts";
import { counted } from "../../display/amounts.ts";
import type { TableContent } from "../../display/table.ts";
import { type PartitionReport, reportOf } from "../partition/report.ts";
import type { RowLabels } from "../partition/rows.ts";
import type { Partition } from "../partition/types.ts";
import { partitionChart } from "./partition_chart.ts";

/**
 * Shows a partition: sizes and labels of the parts, and a chart of them.
 *
 * @throws {RangeError} If there are no parts, a part is empty, or there is no such row.
 */
export function partitionMedia(
  parts: Partition,
  data: RowLabels,
  title?: string,
): MediaBundle {
  const report = reportOf(parts, data);
  const heading = [
    ...(title === undefined ? [] : [title]),
    `${counted(report.rows, "row")}, ${counted(parts.length, "client")}`,
  ].join(": ");
  const chart = partitionChart(report, heading, data.names);
  return headedTables(heading, [tableOf(report)], {
    pictures: [embeddedPicture(chart, `Rows by client: ${heading}`)],
  });
}

function tableOf({ sizes, labelsPerPart, meanTotalVariation, parts }: PartitionReport) {
  const hasLabels = parts.some(({ labels }) => labels.length > 0);
  const { smallest, median, largest } = sizes, { fewest, mean, most } = labelsPerPart;
  return {
    head: ["of a client", "smallest", "middle", "largest"],
    rows: [
      ["rows", smallest, `${median} (median)`, largest],
      ...(hasLabels ? [["labels", fewest, `${mean.toFixed(1)} (mean)`, most]] : []),
      ...(hasLabels
        ? [["total variation", "", `${meanTotalVariation.toFixed(3)} (mean)`, ""]]
        : []),
    ],
  } satisfies TableContent;
}
