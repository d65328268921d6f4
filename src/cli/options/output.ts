import { DEFAULT_SAVE_TRIES } from "../../round/record/checkpoint_saver.ts";
import { InvalidArgumentError } from "../deps.ts";
import { METRIC_NAMES, PROGRESS_NAMES } from "../../round/display/curve_axes.ts";
import { TEMPLATE_NAMES } from "../new/template_names.ts";
import { option } from "./option.ts";
import { choice, onOff, text, type ValueType, whole } from "./values.ts";

/** Tells whether a text is the name of a file rather than a path. */
export function isFileName(text: string): boolean {
  return !/[\\/\0]/.test(text);
}

/** Name of a log file. It is not a path: logs have a folder of their own. */
const fileName: ValueType<string> = {
  parse(text) {
    if (isFileName(text)) return text;
    throw new InvalidArgumentError("Expected a name without path separators.");
  },
};

/** Options about files that a command writes, and about runs that can be resumed. */
export const OUTPUT = {
  json: option(text, {
    value: "<file>",
    help: "write a report in JSON; - for standard output",
    group: "Output",
    commands: {
      ...{ demo: {}, server: {}, client: {}, simulate: {}, reproduce: {}, partition: {} },
      stats: {},
      evaluate: { help: "write the results in JSON; - for standard output" },
      runs: { help: "write the runs in JSON; - for standard output" },
      doctor: { help: "write the findings in JSON; - for standard output" },
    },
    path: "output",
    onResume: "any",
  }),
  csv: option(text, {
    value: "<file>",
    help: "write the rounds as CSV; - for standard output",
    group: "Output",
    commands: {
      simulate: {},
      partition: { help: "write rows and labels of each client as CSV; - for standard output" },
      plot: { help: "write the rounds of all runs as CSV; - for standard output" },
    },
    path: "output",
    onResume: "any",
  }),
  plot: option(text, {
    value: "<file>",
    help: "draw rows and labels of each client (SVG)",
    group: "Output",
    commands: { partition: {} },
    path: "output",
  }),
  out: option(text, {
    value: "<path>",
    help: "folder of the run",
    group: "Output",
    commands: {
      demo: { defaultText: "a new folder in runs" },
      server: { defaultText: "a new folder in runs" },
      simulate: { defaultText: "a new folder in runs" },
      plot: { help: "draw the curves to this file (SVG)", path: "output" },
      schema: {
        help: "file to write the schema to; - for standard output",
        path: "output",
        default: "-",
      },
      predict: {
        help: "CSV file for the predictions; - for standard output",
        path: "output",
        isRequired: true,
      },
      export: {
        help: "file for ONNX, or folder for TensorFlow.js or Keras",
        isRequired: true,
      },
      "cluster-config": { help: "folder for the files", default: "cluster" },
      keygen: {
        help: "file for the private key; an existing file is not replaced",
        isRequired: true,
      },
    },
  }),
  resume: option(text, {
    value: "<dir>",
    help: "continue the run in this folder, with its original options",
    group: "Output",
    commands: { server: {}, simulate: {} },
    onResume: "any",
  }),
  tensorboard: option(text, {
    value: "<dir>",
    help: "write TensorBoard event files to this folder",
    group: "Output",
    commands: { server: {}, simulate: {} },
    path: "output-folder",
    onResume: "any",
  }),
  checkpointEvery: option(whole(1), {
    value: "<n>",
    help: "rounds between checkpoints",
    group: "Output",
    defaultText: "no checkpoints",
    commands: { simulate: {} },
    onResume: "any",
    library: { simulation: (checkpointEvery) => ({ checkpointEvery }) },
  }),
  keepCheckpoints: option(whole(1), {
    value: "<n>",
    help: "number of newest checkpoints to keep, besides the best one",
    group: "Output",
    default: 3,
    isRare: true,
    formerly: "--keep",
    commands: { server: {} },
    onResume: "any",
  }),
  saveTries: option(whole(1), {
    value: "<n>",
    help: "number of failed attempts in a row to save a checkpoint, after which the run stops",
    group: "Output",
    default: DEFAULT_SAVE_TRIES,
    isRare: true,
    commands: { server: {}, simulate: {} },
    onResume: "any",
    library: {
      server: (saveTries) => ({ saveTries }),
      simulation: (saveTries) => ({ saveTries }),
    },
  }),
  runsDir: option(text, {
    value: "<dir>",
    help: "folder with a folder for each run; runs that are there are continued",
    group: "Output",
    formerly: "--keep",
    commands: {
      reproduce: {},
      runs: { help: "folder with a folder for each run", default: "runs" },
    },
  }),
  metric: option(choice(METRIC_NAMES), {
    value: "<name>",
    help: "metric on the vertical axis",
    group: "Output",
    default: "accuracy",
    commands: { plot: {} },
  }),
  x: option(choice(PROGRESS_NAMES), {
    value: "<name>",
    help: "measure of progress on the horizontal axis",
    group: "Output",
    default: "round",
    commands: { plot: {} },
  }),
  title: option(text, {
    value: "<text>",
    help: "title of the picture",
    group: "Output",
    defaultText: "the metric",
    commands: { plot: {} },
  }),
  loggerFile: option(fileName, {
    value: "<name>",
    help: "name of the log file in the folder log",
    group: "Output",
    isRare: true,
    commands: {
      server: { default: "serverLog" },
      stats: { default: "statisticsLog" },
      client: {
        help: "name of the log file in the folder log; the rank is added",
        default: "clientLog",
      },
    },
    onResume: "any",
    library: {
      server: (loggerFile) => ({ loggerFile }),
      client: (loggerFile) => ({ loggerFile }),
    },
  }),
  loggerName: option(text, {
    value: "<name>",
    help: "name that the lines of the log carry",
    group: "Output",
    isRare: true,
    commands: {
      server: { default: "server" },
      stats: { default: "statistics" },
      client: { defaultText: "client-RANK" },
    },
    onResume: "any",
    library: {
      server: (loggerName) => ({ loggerName }),
      client: (loggerName) => ({ loggerName }),
    },
  }),
  template: option(choice(TEMPLATE_NAMES), {
    value: "<name>",
    help:
      "kind of the project: tables of several sites (table), texts with labels (text), images, pages that train (browser), or training of your own (own-training)",
    group: "Output",
    default: "table",
    commands: { new: {} },
  }),
  verbose: option(onOff, {
    help: "show the stack trace of an error",
    group: "Output",
    default: false,
    commands: {
      ...{ demo: {}, server: {}, client: {}, simulate: {}, reproduce: {}, partition: {} },
      ...{ plot: {}, keygen: {}, stats: {}, predict: {}, evaluate: {}, export: {}, doctor: {} },
      ...{ dashboard: {}, new: {} },
    },
    onResume: "any",
  }),
};
