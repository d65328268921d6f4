import { counted } from "../../display/amounts.ts";
import { headedTables } from "../../display/headed_tables.ts";
import type { MediaBundle } from "../../display/media.ts";
import type { TableContent } from "../../display/table.ts";
import { outputNames, schemaWidth } from "../schema/features.ts";
import { shownNames } from "../schema/names.ts";
import type { InputSchema, MissingValues, Schema } from "../schema/schema.ts";

/** Largest number of inputs that are shown. */
const INPUTS = 50;

/** Shows a schema: each input with its treatment, and the target. */
export function schemaMedia(schema: Schema): MediaBundle {
  const { inputs, target } = schema, left = inputs.length - INPUTS;
  const table: TableContent = {
    head: ["input", "kind", "values", "missing values", "standardized by"],
    rows: inputs.slice(0, INPUTS).map((input) => [
      input.name,
      input.kind,
      valuesOf(input),
      "missing" in input ? missingText(input.missing) : "",
      standardizationText(input),
    ]),
    notes: left > 0 ? [counted(left, "more input")] : [],
  };
  const names = shownNames(outputNames(schema));
  const heading = `Schema of ${counted(inputs.length, "input")} and ${
    counted(schemaWidth(schema), "feature")
  } for ${target.task} of ${shownNames([target.name])}: ${names}`;
  return headedTables(heading, [table]);
}

function valuesOf(input: InputSchema): string {
  if ("shape" in input) return `shape [${input.shape.join(", ")}]`;
  if (input.kind === "category") {
    const { categories, unknown } = input;
    return shownNames([...categories, ...(unknown === "other" ? ["other"] : [])]);
  }
  return input.kind === "number" && input.unit !== undefined ? `in ${input.unit}` : "";
}

function missingText(missing: MissingValues | undefined): string {
  if (missing === undefined) return "";
  const { policy, fill, indicator } = missing;
  return [
    fill === undefined ? policy : `${policy}: ${fill}`,
    ...(indicator ? ["with indicator"] : []),
  ].join(", ");
}

function standardizationText(input: InputSchema): string {
  if (!("standardize" in input) || input.standardize === undefined) return "";
  const { mean, deviation } = input.standardize;
  if (typeof mean !== "number" || typeof deviation !== "number") return "lists of figures";
  return `mean ${Number(mean.toPrecision(4))}, deviation ${Number(deviation.toPrecision(4))}`;
}
