import { shownName, shownNames } from "../../data/schema/names.ts";
import type { Schema, TargetSchema } from "../../data/schema/schema.ts";

/** Describes a schema that was made from figures of data, in a line for the log. */
export function madeSchemaLine({ inputs, target }: Schema, rows: number): string {
  return `Made a schema of ${inputs.length} inputs from figures of ${rows} rows: target ${
    describeTarget(target)
  }`;
}

function describeTarget(target: TargetSchema): string {
  switch (target.task) {
    case "classification":
      return `${shownName(target.from ?? target.name)} with the classes ${
        shownNames(target.classes)
      }`;
    case "multi-label":
      return `of the labels ${shownNames(target.labels)}`;
    case "regression":
      return `of the measures ${shownNames(target.outputs.map(({ name }) => name))}`;
  }
}
