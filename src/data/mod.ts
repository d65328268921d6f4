/**
 * Data sets: readers and downloads, splits, standardization, and partitions among clients.
 *
 * @module
 */

// Data sets.
export { Dataset } from "./dataset.ts";
export type { DatasetExtras, DatasetParts } from "./dataset_parts.ts";
export type {
  ArrayInput,
  BooleanInput,
  CategoryInput,
  ClassificationTarget,
  InputSchema,
  MissingValues,
  MultiLabelTarget,
  NumberInput,
  OutputSchema,
  RegressionTarget,
  Schema,
  Standardization,
  TargetSchema,
  Task,
} from "./schema/schema.ts";
export { digits } from "./digits.ts";
export {
  type HeldOut,
  holdOut,
  type HoldOutOptions,
  type TrainTestSplit,
  trainTestSplit,
  type TrainTestSplitOptions,
} from "./split.ts";

// Texts as sequences.
export {
  type AuthoredLines,
  readAuthoredLines,
  type SplitLines,
  splitLines,
} from "./text/roles.ts";
export {
  SEQUENCE_MODES,
  type SequenceMode,
  type SequenceOptions,
  type TextSequences,
  textSequences,
} from "./text/sequences.ts";
export { type TextMeaning, textMeaning } from "./text/meaning.ts";
export { parseTextForm, type TextForm } from "./text/form.ts";
export { textSource, type TextSourceParts } from "./text/text_source.ts";
export { PADDING, START, Vocabulary } from "./text/vocabulary.ts";

// Texts with labels, for pretrained encoders.
export {
  type LabelledTexts,
  type LabelledTextsOptions,
  parseLabelledTexts,
  readLabelledTexts,
} from "./text/labelled_texts.ts";
export {
  tokenDataset,
  type TokenDatasetOptions,
  type TokenizedTexts,
} from "./text/token_dataset.ts";
export { type PlainTexts, type PlainTextsOptions, readPlainTexts } from "./text/plain_texts.ts";
export type { TextFileOptions } from "./text/text_rows.ts";
export { type EncodedText, TextTokenizer, type TokenizerOptions } from "./text/tokenizer.ts";

// Schemas: the meaning of features and targets.
export {
  type Arranged,
  type ArrangedInputs,
  arrangeInputs,
  arrangeTable,
} from "./schema/arrange.ts";
export type { InputCounts } from "./schema/arrange_inputs.ts";
export { compareSchemas } from "./schema/compare.ts";
export type { ArrangedData, DataSource, SourceTables } from "./schema/data_source.ts";
export { schemaDigest } from "./schema/digest.ts";
export type { DataGenerator } from "./schema/generator.ts";
export {
  featureNames,
  inputShape,
  numOutputs,
  outputNames,
  schemaWidth,
} from "./schema/features.ts";
export type { ArrangeOptions, SchemaOptions } from "./schema/options.ts";
export { type MadeSchema, makeSchema, schemaOf } from "./schema/schema_of.ts";
export { type CellValue, tableOf } from "./schema/table_of.ts";
export { parseSchema } from "./schema/parse.ts";
// Summaries of tables, of one site or of many.
export type { AnswerOptions, StatisticsSharing } from "./statistics/answer.ts";
export { fitSchema, surveyForSchema } from "./statistics/fit_schema.ts";
export { DEFAULT_MIN_COUNT } from "./statistics/limits.ts";
export { type LocalSite, surveyTables } from "./statistics/local_survey.ts";
export type {
  ColumnSummary,
  Histogram,
  Quantile,
  TableSummary,
  ValueCount,
} from "./statistics/summary.ts";
export type { SiteSummary, SurveyOptions, SurveyResult } from "./statistics/survey_options.ts";
export type { ColumnChoice, ColumnOrder } from "./statistics/unite.ts";
export {
  MISSING_VALUES,
  type RawColumn,
  type RawTable,
  type ReadProgress,
  type ReadTableOptions,
} from "./formats/raw_table.ts";

export { arraySource, type ArraySourceParts } from "./sources/array_source.ts";
export { shareOf, type SourceShare } from "./sources/share.ts";
export { TableSource, tableSource } from "./sources/table_source.ts";

// Data sets by name or path.
export { loadDataset, type LoadedDataset, openData } from "./catalog/load.ts";
export {
  type Checksum,
  DATASET_NAMES,
  type DatasetFile,
  NAMED_DATASETS,
  type NamedDataset,
  type SamplesAndLabels,
} from "./catalog/named.ts";
export type {
  DownloadOptions,
  LoadDatasetOptions,
  NamedDatasetOptions,
  TableDataOptions,
  TextDataOptions,
} from "./catalog/options.ts";
export type { DownloadProgress } from "./catalog/transfer.ts";

// File formats.
export { type IdxArray, parseIdx } from "./formats/idx/idx.ts";
export { type IdxDatasetOptions, readIdxDataset } from "./formats/idx/idx_dataset.ts";
export type { IdxOptions, IdxType, IdxValues } from "./formats/idx/idx_header.ts";
export {
  parseCsvDataset,
  parseJsonDataset,
  parseJsonLinesDataset,
  type ParseTableOptions,
  type TableDataset,
  type TableDatasetOptions,
} from "./catalog/table_dataset.ts";
export { readTableDataset } from "./catalog/read_table_dataset.ts";
export { type ImageFolderOptions, readImageFolder } from "./formats/images/image_folder.ts";
export { readTable } from "./formats/read_table.ts";
export { readTables } from "./formats/read_tables.ts";
export { type SiteFile, siteFiles } from "./formats/table_paths.ts";

// Partitions among clients.
export { addFeatureNoise, type FeatureNoiseOptions } from "./partition/feature_noise.ts";
export { partitionDirichlet, type PartitionDirichletOptions } from "./partition/dirichlet.ts";
export { partitionIds, type PartitionIdsOptions } from "./partition/ids.ts";
export { partitionIid } from "./partition/iid.ts";
export { partitionLabels, type PartitionLabelsOptions } from "./partition/labels.ts";
export {
  type ParsedPartition,
  parsePartition,
  partition,
  PARTITION_NAMES,
  PARTITION_USAGES,
  type PartitionOptions,
  type PartOptions,
} from "./partition/partition.ts";
export { type PartitionReport, partitionReport, type PartReport } from "./partition/report.ts";
export type { Partition, PartitionData, PartitionSeedOptions } from "./partition/types.ts";
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
