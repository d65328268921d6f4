/**
 * Data: data sets by name, readers of IDX and tables, the embedded digits, splits and partitions.
 *
 * @module
 */

export { type CsvDatasetOptions, parseCsvDataset } from "./formats/table/csv.ts";
export { Dataset } from "./dataset.ts";
export { digits } from "./digits.ts";
export {
  type IdxArray,
  type IdxDatasetOptions,
  type IdxOptions,
  type IdxType,
  type IdxValues,
  parseIdx,
  readIdxDataset,
} from "./formats/idx/idx.ts";
export type { Partition, PartitionData, PartitionSeedOptions } from "./partition/rows.ts";
export { addFeatureNoise, type FeatureNoiseOptions } from "./partition/feature_noise.ts";
export { parseJsonDataset, parseJsonLinesDataset } from "./formats/table/json.ts";
export {
  type DownloadProgress,
  loadDataset,
  type LoadDatasetOptions,
  type LoadedDataset,
} from "./catalog/load.ts";
export {
  type Checksum,
  DATASET_NAMES,
  type DatasetFile,
  NAMED_DATASETS,
  type NamedDataset,
  type SamplesAndLabels,
} from "./catalog/named.ts";
export {
  type ParsedPartition,
  parsePartition,
  partition,
  PARTITION_NAMES,
  PARTITION_USAGES,
  type PartitionOptions,
  type PartOptions,
} from "./partition/partition.ts";
export { partitionDirichlet, type PartitionDirichletOptions } from "./partition/dirichlet.ts";
export { partitionIds, type PartitionIdsOptions } from "./partition/ids.ts";
export { partitionIid } from "./partition/iid.ts";
export { partitionLabels, type PartitionLabelsOptions } from "./partition/labels.ts";
export { type PartitionReport, partitionReport, type PartReport } from "./partition/report.ts";
export { partitionShards, type PartitionShardsOptions } from "./partition/shards.ts";
export {
  partitionDirichletSizes,
  type PartitionDirichletSizesOptions,
  partitionLogNormal,
  type PartitionLogNormalOptions,
  partitionPowerLaw,
  type PartitionPowerLawOptions,
  type PartitionSizesOptions,
} from "./partition/sizes.ts";
export {
  type HeldOut,
  holdOut,
  type HoldOutOptions,
  type TrainTestSplit,
  trainTestSplit,
  type TrainTestSplitOptions,
} from "./split.ts";
export { Standardizer, type StandardizerState } from "./standardizer.ts";
export {
  readTableDataset,
  type ReadTableOptions,
  type TableDataset,
  type TableOptions,
} from "./formats/table/table.ts";
