import type { ReadTableOptions } from "../../data/formats/table/table.ts";
import { DATASET_NAMES } from "../../data/catalog/named.ts";
import { type DownloadProgress, loadDataset, type LoadedDataset } from "../../data/catalog/load.ts";
import { Standardizer } from "../../data/standardizer.ts";
import { errorMessage } from "../../base/errors.ts";
import { readJson } from "../output/json_file.ts";
import { choice, flagOf, UsageError } from "./options.ts";
import { bytes as inUnits, isTerminal, printError } from "../output/terminal.ts";
import { type Command, progress } from "../deps.ts";
import process from "node:process";

/** Which data set, as options; in a form that can be posted to a worker. */
export interface DataFlags {
  data: string;
  dataDir?: string;
  labelColumn?: string;
  idColumn?: string;
  featureColumns?: string[];
  classes?: string[];
  header?: "yes" | "no" | "auto";
  delimiter?: string;
  standardize?: string | true;
}

/** Options of tables alone. */
const TABLE_NAMES = [
  ...["labelColumn", "idColumn", "featureColumns", "classes", "header", "delimiter"] as const,
];

/** The names of all options of data. */
export const DATA_NAMES: readonly (keyof DataFlags)[] = [
  ...["data", "dataDir", "standardize"] as const,
  ...TABLE_NAMES,
];

/** Data that a command works on. */
export interface CommandData extends LoadedDataset {
  /** What its features were standardized with, where that was asked for. */
  readonly standardizer?: Standardizer;
}

/** Adds the choice of a data set to a command. */
export function withData(command: Command, help: string, fallback = "digits"): Command {
  return command
    .option(
      "--dataset, --data <name>",
      `${help}: ${DATASET_NAMES.join(", ")}, or the path of a table, an IDX file or a folder`,
      fallback,
    )
    .option(
      "--data-dir <dir>",
      "folder of data sets named by a word (default: FEDLAB_DATA, else the user's cache folder)",
    )
    .option(
      "--label-column <name>",
      "a table's column of labels, by name or index from 0 (default: the last)",
    )
    .option(
      "--id-column <name>",
      "a table's column of ids for --partition id, by name or index; no feature (default: none)",
    )
    .option(
      "--feature-columns <names>",
      "a table's columns of features, by name or index, with commas between (default: all others)",
      words,
    )
    .option(
      "--classes <names>",
      "a table's classes in the order of their labels, with commas between (default: those found)",
      words,
    )
    .addOption(
      choice("--header <word>", "whether line 1 of a CSV table has names (default: auto)", [
        ...["yes", "no", "auto"],
      ]),
    )
    .option("--delimiter <char>", "what stands between a CSV table's fields, or tab (default: ,)")
    .option(
      "--standardize [file]",
      "give features, or the channels of images, mean 0 and deviation 1 (by the data set or a file that a server wrote)",
    );
}

function words(text: string): string[] {
  return text.split(",").map((word) => word.trim());
}

/** The choice of a data set among a command's options. */
export function dataFrom(flags: DataFlags): DataFlags {
  const chosen = DATA_NAMES.filter((name) => flags[name] !== undefined);
  return { data: flags.data, ...Object.fromEntries(chosen.map((name) => [name, flags[name]])) };
}

/** How tables are read, by a command's options. */
function tableFrom(flags: DataFlags): Omit<ReadTableOptions, "numClasses"> {
  const { labelColumn, idColumn, featureColumns, classes, header, delimiter } = flags;
  const column = (text: string) => /^\d+$/.test(text) ? Number(text) : text;
  return {
    ...(labelColumn !== undefined && { labelColumn: column(labelColumn) }),
    ...(idColumn !== undefined && { idColumn: column(idColumn) }),
    ...(featureColumns && { featureColumns: featureColumns.map(column) }),
    ...(classes && { classes }),
    ...(header !== undefined && { header: header === "auto" ? header : header === "yes" }),
    ...(delimiter !== undefined && { delimiter: delimiter === "tab" ? "\t" : delimiter }),
  };
}

/** Loads the data set of a command's options; on a terminal a download shows a bar. */
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
    table: tableFrom(flags),
  });
  // Tables have names of their classes, and of paths no others.
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

/** Tells of downloads: on a terminal a bar each, elsewhere a line each. */
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
