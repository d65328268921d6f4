import { option } from "./option.ts";
import { real, text, whole } from "./values.ts";

const GENERATES = { generate: {} } as const;

/** Options about texts that a language model goes on with. */
export const GENERATING = {
  prompt: option(text, {
    value: "<text>",
    help: "text that the model goes on with; \\n in it is a line feed",
    group: "Output",
    default: "",
    commands: GENERATES,
  }),
  length: option(whole(1, 0xFFFF_FFFF), {
    value: "<n>",
    help: "most symbols to generate",
    group: "Output",
    default: 500,
    commands: GENERATES,
  }),
  temperature: option(real({ least: 0 }), {
    value: "<x>",
    help: "divisor of the logits: 1 draws as the model says, 0 takes the most probable symbol",
    group: "Output",
    default: 0.7,
    commands: GENERATES,
  }),
  topK: option(whole(1, 0xFFFF_FFFF), {
    value: "<n>",
    help: "number of the most probable symbols among which one is drawn",
    group: "Output",
    default: 40,
    commands: GENERATES,
  }),
  stop: option(text, {
    value: "<character>",
    help: "character that ends the text; \\n is a line feed",
    group: "Output",
    defaultText: "none",
    commands: GENERATES,
  }),
};
