import process from "node:process";
import { errorMessage } from "../../base/errors.ts";
import { loadDataset, type LoadedDataset } from "../../data/catalog/load.ts";
import type { DownloadProgress } from "../../data/catalog/transfer.ts";
import { DATASET_NAMES } from "../../data/catalog/named.ts";
import { Standardizer } from "../../data/standardizer.ts";
import { progress } from "../deps.ts";
import { DATA_SET, type DataFlags } from "../options/data.ts";
import { flagOf, UsageError } from "../options/option.ts";
import { libraryOptions } from "../options/table.ts";
import { readJson } from "../output/json_file.ts";
import { bytes as inUnits, isTerminal, printError } from "../output/terminal.ts";

/** Names of the options that only tables have. */
const TABLE_NAMES = Object.entries(DATA_SET)
  .flatMap(([name, spec]) => "library" in spec ? [name as keyof DataFlags] : []);

/** Data set of a command. */
export interface CommandData extends LoadedDataset {
  /** The standardizer of the features, where they are standardized. */
  readonly standardizer?: Standardizer;
}

/**
 * Loads the data set that a command's options name, and shows the progress of downloads.
 *
 * @throws {UsageError} If options of tables are given for data that is no table.
 */
export async function loadData(flags: DataFlags, signal?: AbortSignal): Promise<CommandData> {
  const { data, dataDir, standardize } = flags;
  const forTables = TABLE_NAMES.filter((name) => flags[name] !== undefined);
  const refused = new UsageError(
    `expected a table with ${forTables.map(flagOf).join(", ")}, got ${data}`,
  );
  if (forTables.length > 0 && DATASET_NAMES.includes(data)) throw refused;
  using bar = new DownloadBar();
  const loaded = await loadDataset(data, {
    ...(dataDir !== undefined && { dataDir }),
    ...(signal && { signal }),
    onProgress: (progress) => bar.show(progress),
    table: libraryOptions("table", flags),
  });
  // Of the files that a path can name, only tables have class names.
  if (forTables.length > 0 && loaded.classes === undefined) throw refused;
  if (standardize === undefined) return loaded;
  const standardizer = standardize === true
    ? Standardizer.fit(loaded.train)
    : await readStandardizer(standardize);
  const { train, test } = loaded;
  return {
    ...loaded,
    train: standardizer.apply(train),
    ...(test && { test: standardizer.apply(test) }),
    standardizer,
  };
}

async function readStandardizer(path: string): Promise<Standardizer> {
  const state = await readJson(path, "standardizer");
  try {
    return Standardizer.from(state);
  } catch (cause) {
    throw new Error(`Cannot read the standardizer ${path}: ${errorMessage(cause)}`, { cause });
  }
}

/** Progress of downloads: a bar for each file on a terminal, a line for each file elsewhere. */
class DownloadBar implements Disposable {
  #file: string | undefined;
  #bar: progress.SingleBar | undefined;

  show({ file, bytes, total }: DownloadProgress): void {
    if (this.#file !== file) {
      this.#bar?.stop();
      this.#file = file;
      this.#bar = undefined;
      if (!isTerminal()) return printError(`Downloading ${file}, ${inUnits(total)}`);
      this.#bar = new progress.SingleBar({
        format: "{bar} {file} {done} of {whole} | {eta_formatted}",
        stream: process.stderr,
        hideCursor: true,
        barsize: 24,
      }, progress.Presets.shades_classic);
      this.#bar.start(total, bytes, { file, whole: inUnits(total), done: inUnits(bytes) });
    }
    this.#bar?.update(bytes, { done: inUnits(bytes) });
  }

  [Symbol.dispose](): void {
    this.#bar?.stop();
  }
}
