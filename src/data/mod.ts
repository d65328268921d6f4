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
export type { Partition, PartitionData, PartitionSeedOptions } from "./_deal.ts";
export { addFeatureNoise, type FeatureNoiseOptions } from "./feature_noise.ts";
export {
  type ParsedPartition,
  parsePartition,
  partition,
  PARTITION_NAMES,
  PARTITION_USAGES,
  type PartitionOptions,
  type PartOptions,
} from "./partition.ts";
export { partitionDirichlet, type PartitionDirichletOptions } from "./partition_dirichlet.ts";
export { partitionIds, type PartitionIdsOptions } from "./partition_ids.ts";
export { partitionIid } from "./partition_iid.ts";
export { partitionLabels, type PartitionLabelsOptions } from "./partition_labels.ts";
export { type PartitionReport, partitionReport, type PartReport } from "./partition_report.ts";
export { partitionShards, type PartitionShardsOptions } from "./partition_shards.ts";
export {
  partitionDirichletSizes,
  type PartitionDirichletSizesOptions,
  partitionLogNormal,
  type PartitionLogNormalOptions,
  partitionPowerLaw,
  type PartitionPowerLawOptions,
  type PartitionSizesOptions,
} from "./partition_sizes.ts";
export { type TrainTestSplit, trainTestSplit, type TrainTestSplitOptions } from "./split.ts";
