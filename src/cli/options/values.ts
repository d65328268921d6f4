import { didYouMean } from "../../base/did_you_mean.ts";
import { describeRange, isInRange, type Range } from "../../base/check.ts";
import { errorMessage } from "../../base/errors.ts";
import { InvalidArgumentError } from "../deps.ts";

/** Type of an option's values: reads them from the command line. */
export interface ValueType<T> {
  /**
   * Reads a value.
   *
   * @param text The text on the command line.
   * @param previous The value so far, of an option that may be repeated.
   * @throws {InvalidArgumentError} If the text is not a value of this type.
   */
  parse(text: string, previous?: T): T;
  /** Words to choose from, for the help. */
  readonly choices?: readonly string[];
  /** Is true for a switch, which takes no value. */
  readonly isSwitch?: boolean;
  /** Is true for an option whose value may be left out. */
  readonly mayStandAlone?: boolean;
  /**
   * Form in which a list of an options file is given: one argument with commas, or an argument for
   * each item. Default: the value is no list.
   */
  readonly several?: "joined" | "repeated";
  /** Writes an item of a list as it stands on the command line. Default: as it is. */
  write?(item: string): string;
  /** JSON Schema of a value, or of an item of a list, in an options file. Default: a text. */
  readonly json?: ValueSchema;
}

/** JSON Schema of one value. */
export interface ValueSchema {
  readonly type: "integer" | "number" | "string" | "boolean";
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** Any text. */
export const text: ValueType<string> = { parse: (text) => text };

/** Any text, or `true` where the option stands without a value. */
export const optionalText: ValueType<string | true> = {
  parse: (text) => text,
  mayStandAlone: true,
};

/** Text that a function can read, or `true` where the option stands without a value. */
export function optionally(read: (text: string) => unknown): ValueType<string | true> {
  return readableBy(read);
}

/** Switch: `true` where the option is given. */
export const onOff: ValueType<boolean> = { parse: () => true, isSwitch: true };

/**
 * Splits names at commas. A name in quotes, as CSV has them, may have commas.
 *
 * @throws {InvalidArgumentError} If a quote is not closed or stands inside of a name.
 */
export function splitNames(text: string): string[] {
  const names: string[] = [];
  const field = /\s*(?:"((?:[^"]|"")*)"\s*|([^",]*))(,|$)/y;
  for (let end = ","; end === ",";) {
    const match = field.exec(text);
    if (match === null) {
      throw new InvalidArgumentError('Expected names, or names in quotes as in "a, b",c.');
    }
    const [, inQuotes, plain = "", mark = ""] = match;
    names.push(inQuotes?.replaceAll('""', '"') ?? plain.trim());
    end = mark;
  }
  return names;
}

/** Names separated by commas, in quotes where they have commas; the option may be repeated. */
export const list: ValueType<string[]> = {
  parse: (text, previous = []) => [...previous, ...splitNames(text)],
  several: "repeated",
  write: (item) => /[",]/.test(item) ? `"${item.replaceAll('"', '""')}"` : item,
};

/** Numbers in a range, separated by commas. */
export function reals(range: Omit<Range, "whole">): ValueType<number[]> {
  const { parse, json } = real(range);
  return {
    parse: (text) => text.split(",").map((word) => parse(word)),
    several: "joined",
    ...(json && { json }),
  };
}

/** Whole number from `least` to `most`. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): ValueType<number> {
  return {
    parse(text) {
      const value = Number(text);
      if (/^\d+$/.test(text) && isInRange(value, { whole: true, least, most })) return value;
      const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
      throw new InvalidArgumentError(`Expected a whole number ${range}.`);
    },
    json: {
      type: "integer",
      minimum: least,
      ...(most < Number.MAX_SAFE_INTEGER && { maximum: most }),
    },
  };
}

/** Number in a range; `above` and `below` exclude the end, `least` and `most` include it. */
export function real(range: Omit<Range, "whole">): ValueType<number> {
  return {
    parse(text) {
      const value = Number(text);
      if (text.trim() !== "" && isInRange(value, range)) return value;
      throw new InvalidArgumentError(
        `Expected ${describeRange(range).replace("at most", "up to")}.`,
      );
    },
    json: schemaOf(range),
  };
}

/** Writes a range of numbers as a JSON Schema. */
function schemaOf({ least, above, most, below }: Omit<Range, "whole">): ValueSchema {
  return {
    type: "number",
    ...(least !== undefined && { minimum: least }),
    ...(above !== undefined && { exclusiveMinimum: above }),
    ...(most !== undefined && { maximum: most }),
    ...(below !== undefined && { exclusiveMaximum: below }),
  };
}

/** One of some words. */
export function choice<const T extends string>(choices: readonly T[]): ValueType<T> {
  return {
    parse(text) {
      const chosen = choices.find((one) => one === text);
      if (chosen !== undefined) return chosen;
      throw new InvalidArgumentError(
        `Allowed choices are ${choices.join(", ")}${didYouMean(text, choices)}.`,
      );
    },
    choices,
  };
}

/** Text that a function can read. It stays a text, because a checkpoint keeps it as JSON. */
export function readableBy(read: (text: string) => unknown): ValueType<string> {
  return {
    parse(text) {
      try {
        read(text);
      } catch (error) {
        throw new InvalidArgumentError(`${errorMessage(error)}.`);
      }
      return text;
    },
  };
}
