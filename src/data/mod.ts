/**
 * Data: data sets by name, readers of IDX and tables, the embedded digits, splits and partitions.
 *
 * @module
 */

export { type CsvDatasetOptions, parseCsvDataset } from "./csv.ts";
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
export { parseJsonDataset, parseJsonLinesDataset } from "./json.ts";
export {
  type DownloadProgress,
  loadDataset,
  type LoadDatasetOptions,
  type LoadedDataset,
} from "./load.ts";
export {
  type Checksum,
  DATASET_NAMES,
  type DatasetFile,
  NAMED_DATASETS,
  type NamedDataset,
  type SamplesAndLabels,
} from "./named.ts";
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
export { Standardizer, type StandardizerState } from "./standardizer.ts";
export {
  readTableDataset,
  type ReadTableOptions,
  type TableDataset,
  type TableOptions,
} from "./table.ts";
