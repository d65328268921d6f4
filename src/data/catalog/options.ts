/**
 * Options for loading data sets.
 *
 * @module
 */

import type { ReadProgress, ReadTableOptions } from "../formats/raw_table.ts";
import type { SchemaOptions } from "../schema/options.ts";
import type { TextForm } from "../text/form.ts";
import type { DownloadProgress } from "./transfer.ts";

/** Options for a table: how its file is read, and the declarations of its owner. */
export interface TableDataOptions
  extends SchemaOptions, Omit<ReadTableOptions, "onProgress" | "signal" | "expectedNames"> {
  /**
   * Column of the labels: its name, or its index from 0.
   *
   * @default The column that `target` says, else the last one.
   */
  labelColumn?: string | number;
  /**
   * Columns of the features, in this order: their names, or their indices from 0.
   *
   * @default The columns that `inputs` says, else all others.
   */
  featureColumns?: readonly (string | number)[];
}

/** Options for texts with labels. */
export interface TextDataOptions {
  /**
   * Path of the `tokenizer.json` of the pretrained model.
   *
   * @default `minilm/tokenizer.json` in the folder of data sets, which must be that of
   * all-MiniLM-L6-v2.
   */
  tokenizer?: string;
  /** SHA-256 of the tokenizer's file. Default: any file. */
  tokenizerSha256?: string;
  /**
   * Most tokens of a text; a longer one is cut.
   *
   * @default {128}
   */
  maxTokens?: number;
  /**
   * Column of the texts.
   *
   * @default {"text"}
   */
  textColumn?: string;
}

/** Options of {@linkcode loadDataset} and {@linkcode openData}. */
export interface LoadDatasetOptions {
  /**
   * Folder of the files of named data sets, which are in it or in a folder of their own below it.
   *
   * @default The value of `FEDLAB_DATA`, else the cache folder of the user:
   * `$XDG_CACHE_HOME/fedlab` or `~/.cache/fedlab`, on macOS `~/Library/Caches/fedlab`, on Windows
   * `%LOCALAPPDATA%/fedlab`; also for `""`.
   */
  dataDir?: string;
  /**
   * Base URLs from which the files of a named data set are downloaded.
   *
   * @default The `homes` of the data set.
   */
  mirrors?: readonly string[];
  /**
   * Attempts for each of them when it or the network fails.
   *
   * @default {4}
   */
  tries?: number;
  /**
   * Pause after the first failure, in seconds; it doubles with each.
   *
   * @default {0.5}
   */
  retrySeconds?: number;
  /**
   * Time without data after which a request fails, in seconds; `Infinity` for never.
   *
   * @default {30}
   */
  stallSeconds?: number;
  /** Ends a download. The next one continues it. */
  signal?: AbortSignal;
  /** Called with each piece of a download that is received. */
  onProgress?: (progress: DownloadProgress) => void;
  /**
   * Share of the rows to test on, between 0 and 1, for data without test rows. They are chosen at
   * random, always the same ones.
   *
   * @default None.
   */
  testShare?: number;
  /**
   * True to read a folder in which each table has the rows of one site. The names of the sites are
   * the `ids` of the rows.
   *
   * @default {false}
   */
  sites?: boolean;
  /** Called from time to time while files are read. */
  onRead?: (progress: ReadProgress) => void;
  /**
   * Number of classes of tables and IDX files.
   *
   * @default The number that the labels have.
   */
  numClasses?: number;
  /** Options for tables. */
  table?: TableDataOptions;
  /**
   * Options for texts that a tokenizer divides into tokens: a table is then one of texts with
   * labels.
   */
  texts?: TextDataOptions;
  /**
   * Form of sequences, to read a file of JSON lines as texts by author: `{}` for the usual one.
   *
   * @default None: the file is a table.
   */
  sequences?: TextForm;
  /**
   * Standardization of the features where no schema is given. For tables it is the option of
   * `table`.
   *
   * @default {false}
   */
  standardize?: boolean;
}

/** Options for named data sets. */
export type NamedDatasetOptions = Omit<
  LoadDatasetOptions,
  "numClasses" | "table" | "texts" | "sequences" | "standardize" | "onRead" | "testShare" | "sites"
>;

/** Options for downloads. */
export type DownloadOptions = Omit<NamedDatasetOptions, "dataDir" | "mirrors">;
