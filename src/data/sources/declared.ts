/**
 * Comparison of a schema with what the owner of a table has declared about it.
 *
 * @module
 */

import type { RawTable } from "../formats/raw_table.ts";
import { arrayInputIn } from "../schema/arrange_places.ts";
import { cannotUse, ColumnIndex, targetColumns } from "../schema/columns.ts";
import { parseCondition } from "../schema/condition.ts";
import { canonicalName, shownName, shownNames } from "../schema/names.ts";
import type { SchemaOptions } from "../schema/options.ts";
import { conditionOf } from "../schema/schema_target.ts";
import type { ArrayInput, Schema } from "../schema/schema.ts";

/**
 * Refuses a schema with another target, other classes, more inputs, or another shape or scale than
 * the owner of a table has declared. The target of an array may have another name.
 *
 * @throws {RangeError} If it differs.
 */
export function checkDeclared(
  table: RawTable,
  schema: Schema,
  { target, classes = [], inputs, shape, scale }: SchemaOptions,
): void {
  const where = cannotUse(table);
  if (schema.target.task === "classification") {
    const known = schema.target.classes;
    const unknown = classes.map(canonicalName).filter((name) => !known.includes(name));
    if (unknown.length > 0) {
      throw new RangeError(
        `${where}: expected the classes ${shownNames(known)}; got ${shownNames(unknown)}`,
      );
    }
  } else if (classes.length > 0) {
    throw new RangeError(
      `${where}: expected the task ${schema.target.task}, got classes ${
        shownNames(classes)
      } (--classes)`,
    );
  }
  const array = arrayInputIn(schema);
  checkShape(where, array, { ...(shape && { shape }), ...(scale !== undefined && { scale }) });
  const index = new ColumnIndex(table);
  const nameOf = (column: string | number) =>
    index.headers[index.get(column, "a column")]?.name ?? "";
  if (target !== undefined) {
    const declared = typeof target === "object" ? target : [target];
    const names = index.headers.map(({ name }) => name);
    const [condition] = declared.flatMap((one) =>
      typeof one === "string" ? conditionOf(one, names) ?? [] : []
    );
    const from = schema.target.task === "classification" ? schema.target.from : undefined;
    const isSame = condition === undefined || from === undefined
      ? condition === from && (array || declared.map(nameOf).join("\n") ===
          targetColumns(schema.target).join("\n"))
      : JSON.stringify(parseCondition(condition)) === JSON.stringify(parseCondition(from));
    if (!isSame) {
      throw new RangeError(
        `${where}: expected the target ${
          from === undefined ? shownNames(targetColumns(schema.target)) : shownName(from)
        }, got ${shownNames(declared.map(String))}`,
      );
    }
  }
  if (!inputs || array) return;
  const declared = new Set(inputs.map(nameOf));
  const more = schema.inputs.find(({ name }) => !declared.has(name));
  if (more) {
    throw new RangeError(
      `${where}: expected the input ${shownName(more.name)} too, got ${
        shownNames([...declared])
      } (--feature-columns)`,
    );
  }
}

function checkShape(
  where: string,
  input: ArrayInput | undefined,
  { shape, scale }: Pick<SchemaOptions, "shape" | "scale">,
): void {
  if (shape === undefined && scale === undefined) return;
  if (input === undefined) {
    throw new RangeError(
      `${where}: expected columns as inputs, got a shape or a scale (--shape, --scale)`,
    );
  }
  const name = shownName(input.name), { scale: wanted = 1 } = input;
  if (shape !== undefined && `${shape}` !== `${input.shape}`) {
    throw new RangeError(
      `${where}: expected the shape [${input.shape}] of ${name}, got [${shape}] (--shape)`,
    );
  }
  if (scale !== undefined && scale !== wanted) {
    throw new RangeError(
      `${where}: expected the scale ${wanted} of ${name}, got ${scale} (--scale)`,
    );
  }
}
