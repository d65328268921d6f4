import { isInitName } from "../../train/models/model_options.ts";
import { EXPORT_FORMATS } from "../../predict/export/formats.ts";
import { option } from "./option.ts";
import { choice, onOff, text } from "./values.ts";

/** The commands that use a trained model. */
export const USES_MODEL = { predict: {}, evaluate: {}, export: {}, generate: {} } as const;

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
    value: "<weights>",
    help: "weights to begin from: zeros, glorot, or a safetensors file",
    group: "Training",
    commands: BEGINS,
    defaultText: "zeros for lr, glorot for the other models",
    path: "input",
    isPath: (init) => !isInitName(init),
  }),
  initNames: option(text, {
    value: "<file>",
    help: "JSON file with the model's name for each tensor or layer of the --init file",
    group: "Training",
    isRare: true,
    commands: BEGINS,
    path: "input",
  }),
  initPartial: option(onOff, {
    help:
      "accept an --init file that lacks some of the weights; those begin as they would without the file",
    group: "Training",
    isRare: true,
    default: false,
    commands: BEGINS,
  }),
};
