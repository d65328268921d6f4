/**
 * Data: readers of IDX and CSV, the embedded digits, splits and partitions.
 *
 * @module
 */

export { type CsvDataset, type CsvDatasetOptions, parseCsvDataset, readCsvDataset } from "./csv.ts";
export { Dataset } from "./dataset.ts";
export { digits } from "./digits.ts";
export {
  type IdxArray,
  type IdxDatasetOptions,
  type IdxType,
  type IdxValues,
  parseIdx,
  readIdxDataset,
} from "./idx.ts";
export { loadDataset, type LoadDatasetOptions, type LoadedDataset } from "./load.ts";
export {
  type Partition,
  partition,
  PARTITION_NAMES,
  type PartitionData,
  partitionIid,
  type PartitionIidOptions,
  type PartitionOptions,
  partitionShards,
  type PartitionShardsOptions,
} from "./partition.ts";
export { type TrainTestSplit, trainTestSplit, type TrainTestSplitOptions } from "./split.ts";
