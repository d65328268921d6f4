/**
 * Reader of a table in a file as a data set.
 *
 * @module
 */

import type { ReadTableOptions } from "../formats/raw_table.ts";
import type { TableDataset, TableDatasetOptions } from "./table_dataset.ts";
import { readOptions } from "./table_options.ts";

/**
 * Reads a table from a file, as `readTable()` does, and makes a data set of it.
 *
 * @throws {Error} As `readTable()` rejects.
 * @throws {SyntaxError | RangeError | TypeError} As `parseCsvDataset()` throws.
 */
export async function readTableDataset(
  path: string,
  options: TableDatasetOptions & Pick<ReadTableOptions, "onProgress" | "signal"> = {},
): Promise<TableDataset> {
  const { onProgress, signal } = options;
  // The readers of files are loaded when they are needed.
  const { readTable } = await import("../formats/read_table.ts");
  const { datasetOf } = await import("./table_dataset.ts");
  const table = await readTable(path, {
    ...readOptions(options),
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  });
  return datasetOf(table, options);
}
