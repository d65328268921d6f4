/**
 * Conditions that derive a class from a column.
 *
 * @module
 */

import { canonicalName, quoted } from "./names.ts";

/** Comparison of a condition. */
export type Comparison = ">" | ">=" | "<" | "<=" | "==" | "!=";

/** Condition on a column. */
export interface Condition {
  /** Name of the column. */
  readonly column: string;
  /** Comparison. */
  readonly comparison: Comparison;
  /** Value that the column is compared with. */
  readonly value: number | string;
}

const QUOTED = `"(?:[^"\\\\]|\\\\.)*"|'[^']*'`;
const CONDITION = new RegExp(
  `^\\s*(${QUOTED}|[^"'].*?)\\s*(>=|<=|==|!=|>|<)\\s*(${QUOTED}|[^\\s"'<>=!]+)\\s*$`,
);

/** Returns true if a text is written as a condition and not as the name of a column. */
export function isCondition(text: string): boolean {
  return CONDITION.test(text);
}

function unquoted(text: string): string {
  if (text.startsWith('"')) return JSON.parse(text);
  return text.startsWith("'") ? text.slice(1, -1) : text;
}

/**
 * Reads a condition such as `target > 0`, `'blood group' == "AB"` or `grade != 3`.
 *
 * @throws {SyntaxError} If the text is no condition, or compares a text by size.
 */
export function parseCondition(text: string): Condition {
  const [, column = "", comparison, literal = ""] = CONDITION.exec(text) ?? [];
  if (comparison === undefined) {
    throw new SyntaxError(
      `Cannot read the condition ${
        quoted(text)
      }: expected a column, one of > >= < <= == != and a number or a text in quotes`,
    );
  }
  const isQuoted = /^["']/.test(literal);
  const value = isQuoted ? canonicalName(unquoted(literal)) : Number(literal);
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new SyntaxError(
      `Cannot read the condition ${quoted(text)}: expected a number or a text in quotes, got ${
        quoted(literal)
      }`,
    );
  }
  if (typeof value === "string" && comparison !== "==" && comparison !== "!=") {
    throw new SyntaxError(
      `Cannot read the condition ${quoted(text)}: expected == or != with a text, got ${comparison}`,
    );
  }
  return { column: unquoted(column), comparison: comparison as Comparison, value };
}

/** Returns true if a number fulfils a condition. */
export function holdsFor(x: number, { comparison, value }: Condition): boolean {
  if (typeof value === "string") {
    return (canonicalName(x) === value) === (comparison === "==");
  }
  switch (comparison) {
    case ">":
      return x > value;
    case ">=":
      return x >= value;
    case "<":
      return x < value;
    case "<=":
      return x <= value;
    case "==":
      return x === value;
    case "!=":
      return x !== value;
  }
}
