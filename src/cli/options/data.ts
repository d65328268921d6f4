import { runtime } from "../../base/runtime/runtime.ts";
import { DATASET_NAMES } from "../../data/catalog/named.ts";
import { TEXTS_USAGE } from "../../data/catalog/text_name.ts";
import { isNamedData, SYNTHETIC_USAGE } from "../../data/catalog/synthetic_name.ts";
import { parsePartition, PARTITION_USAGES } from "../../data/partition/partition.ts";
import { InvalidArgumentError } from "../deps.ts";
import { FILES } from "./files.ts";
import { type FlagsIn, option } from "./option.ts";
import { column, SCHEMA } from "./schema.ts";
import { LOADS, TEXTS } from "./texts.ts";
import { choice, list, optionalText, readableBy, real, text, type ValueType } from "./values.ts";

/** The commands that read a file for a trained model. */
const READS = { predict: {}, evaluate: {} } as const;

const DATA_KINDS = `${
  DATASET_NAMES.join(", ")
}, ${TEXTS_USAGE}, ${SYNTHETIC_USAGE}, or the path of a table, of several (a.csv,b.csv or 'ward*.csv'), an IDX file or a folder`;

/** Divides a list of paths, unless there is a file of that name. */
function listedPaths(value: string): string[] {
  if (!value.includes(",")) return [value];
  try {
    runtime.files.lstatSync(value);
    return [value];
  } catch {
    return value.split(",").map((path) => path.trim()).filter((path) => path !== "");
  }
}

/** Options about the data set that a command loads. */
export const DATA_SET = {
  data: option(text, {
    value: "<name>",
    alsoCalled: "--dataset",
    help: `data set: ${DATA_KINDS}`,
    group: "Data",
    commands: {
      server: {
        help:
          `data set from which the schema is made, and on which the server evaluates: ${DATA_KINDS}`,
        defaultText: "digits; none with --schema",
      },
      client: { help: `data set to train on: ${DATA_KINDS}`, default: "digits" },
      simulate: {
        help: `data set to divide among the clients: ${DATA_KINDS}`,
        default: "digits",
      },
      partition: {
        help: `data set to divide among the clients: ${DATA_KINDS}`,
        default: "digits",
      },
      schema: { help: `data set of which the schema is made: ${DATA_KINDS}`, isRequired: true },
      stats: {
        help: "tables to summarize here, separated by commas; no clients are asked",
        defaultText: "the clients' data",
      },
      reproduce: { default: "mnist" },
      predict: { help: `data to predict for: ${DATA_KINDS}`, isRequired: true },
      evaluate: { help: `data to evaluate on: ${DATA_KINDS}`, isRequired: true },
    },
    implied: "digits",
    path: "input",
    isPath: (name) => !isNamedData(name),
    pathsOf: listedPaths,
    once: "a.csv,b.csv",
    isAnnounced: true,
  }),
  dataDir: option(text, {
    value: "<dir>",
    help: "folder of the named data sets",
    group: "Data",
    defaultText: "FEDLAB_DATA, else the user's cache folder",
    isRare: true,
    commands: { ...LOADS, ...READS, doctor: { isRare: false } },
    path: "input-folder",
    onResume: "any",
    isAnnounced: true,
  }),
  labelColumn: option(text, {
    value: "<name>",
    help: "table column of the labels, by name or by index from 0",
    group: "Data",
    defaultText: "the last column",
    isRare: true,
    commands: LOADS,
    library: { table: (name) => ({ labelColumn: column(name) }) },
  }),
  idColumn: option(text, {
    value: "<name>",
    help: "table column of the ids for --partition id, by name or index; it is not a feature",
    group: "Data",
    defaultText: "none",
    isRare: true,
    commands: {
      ...LOADS,
      predict: {
        help: "table column of ids, by name or index from 0, which the predictions carry",
        isRare: false,
      },
      evaluate: {},
    },
    library: { table: (name) => ({ idColumn: column(name) }) },
  }),
  featureColumns: option(list, {
    value: "<names>",
    help: "table columns of the features, by name or index, separated by commas",
    group: "Data",
    defaultText: "all other columns",
    isRare: true,
    commands: LOADS,
    library: { table: (names) => ({ featureColumns: names.map(column) }) },
  }),
  classes: option(list, {
    value: "<names>",
    help: "table classes in the order of their labels, separated by commas",
    group: "Data",
    defaultText: "the classes found",
    isRare: true,
    commands: LOADS,
    library: { table: (classes) => ({ classes }) },
  }),
  header: option(choice(["yes", "no", "auto"]), {
    value: "<word>",
    help: "whether line 1 of a CSV table has the column names",
    group: "Data",
    defaultText: "auto",
    isRare: true,
    commands: { ...LOADS, ...READS, stats: {} },
    library: { table: (header) => ({ header: header === "auto" ? header : header === "yes" }) },
  }),
  delimiter: option(text, {
    value: "<char>",
    help:
      "character between the fields of a text table, or the word tab or blank (any run of blanks)",
    group: "Data",
    defaultText: "a comma, or as the file's name and first lines say",
    commands: { ...LOADS, ...READS, stats: {} },
    library: { table: (char) => ({ delimiter: char === "tab" ? "\t" : char }) },
  }),
  ...TEXTS,
  standardize: option(optionalText, {
    value: "[former]",
    help:
      "scale numbers, or channels of images, to mean 0 and standard deviation 1 over the data; the schema carries both, so clients need no option",
    group: "Data",
    commands: {
      ...LOADS,
      client: {
        help: "refused: a client scales its data by the server's schema, without an option",
        isRare: true,
      },
    },
    isAnnounced: true,
  }),
};

/** Part of a data set: the `index`-th of `parts`, counted from 1. */
export interface Part {
  index: number;
  parts: number;
}

/** Part of a data set as text, such as `2/5`. */
const part: ValueType<Part> = {
  parse(text) {
    const match = /^(\d+)\/(\d+)$/.exec(text);
    const index = Number(match?.[1]), parts = Number(match?.[2]);
    if (match !== null && index >= 1 && index <= parts) return { index, parts };
    throw new InvalidArgumentError("Expected I/N, the I-th of N parts, such as 1/2.");
  },
};

const PARTITION_HELP = `how the data is divided among clients: ${PARTITION_USAGES.join(", ")}`;

/** Options about the share of the data that a client has. */
export const DATA_SHARE = {
  part: option(part, {
    value: "<i/n>",
    help: "train on part I when the data is divided into N parts, as in 1/2",
    group: "Data",
    defaultText: "all of the data",
    commands: { client: {} },
  }),
  partition: option(readableBy(parsePartition), {
    value: "<spec>",
    help: PARTITION_HELP,
    group: "Data",
    default: "iid",
    commands: {
      ...{ demo: {}, simulate: {}, partition: {} },
      client: { help: `${PARTITION_HELP}; only with --part` },
    },
  }),
  holdOut: option(real({ above: 0, below: 1 }), {
    value: "<share>",
    help: "share of each client's samples that is kept for evaluation",
    group: "Data",
    commands: {
      client: { help: "share of the samples to keep for evaluation, instead of a test set" },
      simulate: {},
    },
  }),
};

/** Options about data. */
export const DATA = { ...DATA_SET, ...DATA_SHARE };

const CHOICE = { ...DATA_SET, ...SCHEMA, ...FILES };

/** Choice of a data set and its meaning, in a form that can be posted to a worker. */
export type DataFlags =
  & FlagsIn<typeof DATA_SET, "client">
  & Partial<FlagsIn<typeof SCHEMA, "simulate">>
  & Partial<FlagsIn<typeof FILES, "simulate">>;

/** Picks the choice of a data set from a command's options. */
export function dataFrom(flags: DataFlags): DataFlags {
  const names = Object.keys(CHOICE) as (keyof DataFlags)[];
  const chosen = names.filter((name) => flags[name] !== undefined);
  return { data: flags.data, ...Object.fromEntries(chosen.map((name) => [name, flags[name]])) };
}
