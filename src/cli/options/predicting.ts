import { EXPORT_FORMATS } from "../../predict/export/export.ts";
import { option } from "./option.ts";
import { choice, onOff, text } from "./values.ts";

/** The commands that use a trained model. */
export const USES_MODEL = { predict: {}, evaluate: {}, export: {} } as const;

/** The commands that begin a run with a model. */
const BEGINS = { server: {}, simulate: {} } as const;

/** Options about a trained model that is used. */
export const PREDICTING = {
  run: option(text, {
    value: "<dir>",
    help: "folder of the run whose model is used, or its URL",
    group: "Model",
    commands: USES_MODEL,
    path: "input-folder",
  }),
  to: option(choice(EXPORT_FORMATS), {
    value: "<format>",
    help: "format to write",
    group: "Output",
    commands: { export: { isRequired: true } },
  }),
  init: option(text, {
    value: "<file>",
    help: "safetensors file with the weights to begin from",
    group: "Training",
    commands: BEGINS,
    path: "input",
  }),
  initNames: option(text, {
    value: "<file>",
    help: "JSON file that maps names of tensors or layers in the --init file to those of the model",
    group: "Training",
    isRare: true,
    commands: BEGINS,
    path: "input",
  }),
  initPartial: option(onOff, {
    help: "begin with random weights where the --init file has none",
    group: "Training",
    isRare: true,
    default: false,
    commands: BEGINS,
  }),
};
