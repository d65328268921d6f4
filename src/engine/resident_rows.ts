import { ByteFeatures } from "../data/byte_features.ts";
import { type Dataset, storedFeatures } from "../data/dataset.ts";
import { copyBytes, copyFeatures, copyTargets } from "../train/rows.ts";
import { byteTable } from "./byte_table.ts";
import type { Resident } from "./layout.ts";

/** Returns true if the features of the data are bytes. */
export function areBytes(data: Dataset): boolean {
  return storedFeatures(data) instanceof ByteFeatures;
}

/** Copies rows to train on into the engine's memory: all of the data, or those that are listed. */
export function copyRows(
  data: Dataset,
  rows: Uint32Array | undefined,
  { features, bytes, table, labels }: Resident,
): void {
  const stored = storedFeatures(data);
  if (stored instanceof ByteFeatures) {
    table.set(byteTable(stored));
    if (rows) copyBytes(stored.bytes, data.rowLength, rows, bytes);
    else bytes.set(stored.bytes);
  } else if (rows) copyFeatures(data, rows, features);
  else features.set(stored);
  // Rows with several labels have them gathered for each step.
  if (data.task !== "classification" || data.outputs > 1) return;
  if (rows) copyTargets(data, rows, labels);
  else labels.set(data.labels);
}
