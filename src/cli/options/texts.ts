import { parseTextForm, TEXT_FORM_USAGE } from "../../data/text/form.ts";
import { option } from "./option.ts";
import { readableBy, text, whole } from "./values.ts";

/** The commands that load a data set. */
export const LOADS = {
  ...{ server: {}, client: {}, simulate: {}, partition: {}, reproduce: {}, schema: {} },
} as const;

/** Use of the option `tokenizer` by the commands that use a trained model. */
const FOR_MODEL = { help: "tokenizer.json of the pretrained base of the run's model" } as const;

/** Options about texts: those of authors, and those with labels that a tokenizer divides. */
export const TEXTS = {
  sequences: option(readableBy(parseTextForm), {
    value: "<form>",
    help:
      `form of the texts of a file with a JSON object {"lines": ["…"]} for each author a line: ${TEXT_FORM_USAGE}`,
    group: "Data",
    defaultText: "the file is a table",
    isRare: true,
    commands: { ...LOADS, evaluate: {} },
  }),
  tokenizer: option(text, {
    value: "<file>",
    help:
      "tokenizer.json of a pretrained model: the data set is one of texts with labels, which it divides into tokens",
    group: "Data",
    defaultText: "for banking77, minilm/tokenizer.json in the folder of data sets",
    isRare: true,
    commands: {
      ...LOADS,
      ...{ predict: { ...FOR_MODEL, isRare: false }, evaluate: { ...FOR_MODEL, isRare: false } },
    },
    path: "input",
    library: { texts: (tokenizer) => ({ tokenizer }) },
  }),
  maxTokens: option(whole(3, 8192), {
    value: "<count>",
    help: "most tokens of a text; a longer one is cut",
    group: "Data",
    defaultText: "128",
    isRare: true,
    commands: LOADS,
    library: { texts: (maxTokens) => ({ maxTokens }) },
  }),
  textColumn: option(text, {
    value: "<name>",
    help: "column of the texts",
    group: "Data",
    defaultText: "text",
    isRare: true,
    commands: { ...LOADS, predict: {}, evaluate: {} },
    library: { texts: (textColumn) => ({ textColumn }) },
  }),
};
