import { option } from "../options/option.ts";
import { onOff, text } from "../options/values.ts";

/** The commands that take their options from a file. */
const COMMANDS = {
  ...{ demo: {}, server: {}, client: {}, simulate: {}, reproduce: {}, partition: {}, schema: {} },
  ...{ stats: {}, predict: {}, evaluate: {}, export: {} },
} as const;

/** Options about the file that has a command's options. */
export const CONFIG = {
  config: option(text, {
    value: "<file>",
    help: "take options from this JSON or YAML file; those of the command line win",
    group: "Options file",
    commands: COMMANDS,
    path: "input",
    onResume: "any",
  }),
  printConfig: option(onOff, {
    help: "print the options that are given, as a file for --config, and end",
    group: "Options file",
    commands: COMMANDS,
    onResume: "any",
  }),
};

/** Names of the options that an options file does not have. */
export const NOT_IN_FILE: ReadonlySet<string> = new Set(Object.keys(CONFIG));
