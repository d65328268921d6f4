import { isCondition } from "../../data/schema/condition.ts";
import { numberOfText } from "../../data/schema/names.ts";
import type { MissingValues } from "../../data/schema/schema.ts";
import type { TableDataOptions } from "../../data/catalog/options.ts";
import { InvalidArgumentError } from "../deps.ts";
import { type FlagsIn, option, UsageError } from "./option.ts";
import { choice, list, onOff, splitNames, text, type ValueType } from "./values.ts";

/** The commands that make a schema from a data set. */
const MAKES = { server: {}, simulate: {}, partition: {}, schema: {} } as const;
/** Those, and clients, which arrange their data by the schema of the server. */
const ARRANGES = { ...MAKES, client: {} } as const;
/** The commands that arrange data for a trained model. */
const USES = { predict: {}, evaluate: {} } as const;

/** Word in the place of a schema file: the clients make the schema together. */
export const FEDERATED = "federated";

const POLICIES = ["error", "drop", "mean", "median", "most-frequent"] as const;

/** Reads `NAME=VALUE`, or a value alone, whose name is empty. */
function assignment(text: string): [name: string, value: string] {
  const at = text.lastIndexOf("=");
  const [name, value] = [text.slice(0, Math.max(at, 0)).trim(), text.slice(at + 1).trim()];
  if (value !== "" && at !== 0) return [name, value];
  throw new InvalidArgumentError("Expected VALUE or COLUMN=VALUE.");
}

/** Texts `NAME=VALUE` or `VALUE`, of an option that may be repeated. */
const assignments: ValueType<string[]> = {
  parse(text, previous = []) {
    assignment(text);
    return [...previous, text];
  },
  several: "repeated",
};

/** Texts `NAME=VALUE`, of an option that may be repeated. */
const named: ValueType<string[]> = {
  parse(text, previous = []) {
    if (assignment(text)[0] !== "") return [...previous, text];
    throw new InvalidArgumentError("Expected COLUMN=VALUE.");
  },
  several: "repeated",
};

/** Reads a column of a table: its index from 0, or its name. */
export function column(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** Reads a target: a condition, a column, or several columns. */
function target(text: string): NonNullable<TableDataOptions["target"]> {
  if (isCondition(text)) return text;
  const names = splitNames(text);
  const [only = ""] = names;
  return names.length === 1 ? column(only) : names.map(column);
}

/** Options about the meaning of the columns of a table. */
export const SCHEMA = {
  schema: option(text, {
    value: "<file>",
    help: "schema that says what inputs and target mean, as the command schema writes it",
    group: "Data",
    defaultText: "made from the data set",
    commands: {
      server: {
        help:
          "schema that says what inputs and target mean, as the command schema writes it; or the word federated, to make it from figures of the clients' data",
      },
      simulate: {},
      partition: {},
      client: {
        help: "schema that the server is expected to have, else the client does not join",
        defaultText: "the server's",
      },
    },
    path: "input",
    isPath: (name) => name !== FEDERATED,
    isAnnounced: true,
  }),
  target: option(text, {
    value: "<name>",
    help:
      "what to predict: a table column; a condition such as 'target > 0'; or several columns, separated by commas",
    group: "Data",
    defaultText: "the last column",
    commands: {
      ...ARRANGES,
      stats: {
        help: "table column, or a condition such as 'target > 0', whose classes are counted",
        defaultText: "none",
      },
    },
    library: { table: (text) => ({ target: target(text) }) },
  }),
  task: option(choice(["classification", "multi-label", "regression"]), {
    value: "<name>",
    help: "kind of prediction: one class, several labels, or numbers",
    group: "Data",
    defaultText:
      "by the values: regression for fractions, multi-label for several columns of yes and no",
    commands: MAKES,
    library: { table: (task) => ({ task }) },
  }),
  missing: option(assignments, {
    value: "<policy>",
    help:
      "treatment of missing values: error (refuse the table), drop (leave out the row), or what to fill in: mean, median, most-frequent or a value; for one column as in chol=median; may be repeated",
    group: "Data",
    defaultText: "error",
    commands: MAKES,
  }),
  missingIndicator: option(onOff, {
    help:
      "for each column whose missing values are filled in, add a feature that says in which rows",
    group: "Data",
    isRare: true,
    commands: MAKES,
  }),
  missingTarget: option(choice(["error", "drop"]), {
    value: "<policy>",
    help: "treatment of rows without a target: refuse the table (error) or leave them out (drop)",
    group: "Data",
    defaultText: "error",
    isRare: true,
    commands: { ...ARRANGES, evaluate: {} },
    library: { table: (missingTarget) => ({ missingTarget }) },
  }),
  categories: option(list, {
    value: "<names>",
    help: "table columns whose numbers stand for categories, separated by commas",
    group: "Data",
    defaultText: "columns of texts",
    commands: { ...MAKES, stats: {} },
    library: { table: (names) => ({ categories: names.map(column) }) },
  }),
  disjointCategories: option(list, {
    value: "<names>",
    help:
      "table columns, separated by commas, that keep categories which look like a mistake: clients have none in common, or some differ only in case or blanks",
    group: "Data",
    defaultText: "none: such categories are refused",
    isRare: true,
    commands: MAKES,
    library: { table: (names) => ({ disjointCategories: names.map(column) }) },
  }),
  unknownCategory: option(choice(["error", "other"]), {
    value: "<policy>",
    help:
      "treatment of categories that the schema does not have: refuse the table (error), or take them all as one further category (other)",
    group: "Data",
    defaultText: "error",
    isRare: true,
    commands: MAKES,
    library: { table: (unknownCategory) => ({ unknownCategory }) },
  }),
  unit: option(named, {
    value: "<column=unit>",
    help: "unit of a table column, such as age=years, in which all must have it; may be repeated",
    group: "Data",
    defaultText: "as in a header age [years]",
    isRare: true,
    commands: { ...ARRANGES, ...USES },
    library: { table: (texts) => ({ units: Object.fromEntries(texts.map(assignment)) }) },
  }),
  weightColumn: option(text, {
    value: "<name>",
    help: "table column with the weight of each row in the training loss; it is not a feature",
    group: "Data",
    defaultText: "none",
    isRare: true,
    commands: { client: {}, simulate: {} },
    library: { table: (name) => ({ weightColumn: column(name) }) },
  }),
};

/** Names of the options about tables that set no option of the library by themselves. */
export const POLICY_NAMES = ["missing", "missingIndicator"] as const;

/** Collects the policies for missing values. */
export function missingFrom(
  { missing = [], missingIndicator = false }: Pick<
    FlagsIn<typeof SCHEMA, "server">,
    "missing" | "missingIndicator"
  >,
): Pick<TableDataOptions, "missing"> {
  if (missing.length === 0) {
    if (!missingIndicator) return {};
    throw new UsageError("expected --missing with --missing-indicator, such as --missing mean");
  }
  const policies = missing.map(assignment).map(([name, value]) => {
    const policy = POLICIES.find((one) => one === value);
    const isFilled = policy !== "error" && policy !== "drop";
    const treatment: MissingValues = {
      ...(policy ? { policy } : { policy: "constant", fill: numberOfText(value) ?? value }),
      ...(missingIndicator && isFilled && { indicator: true }),
    };
    return [name, treatment];
  });
  return { missing: Object.fromEntries(policies) };
}
