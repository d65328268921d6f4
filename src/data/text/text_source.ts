/**
 * Texts of authors as a source of data.
 *
 * @module
 */

import type { ArrangedData, DataSource } from "../schema/data_source.ts";
import type { Schema } from "../schema/schema.ts";
import { checkTextForm, type TextForm } from "./form.ts";
import { type AuthoredLines, splitLines } from "./roles.ts";
import { INPUT_NAMES, type TextMeaning, textMeaning } from "./meaning.ts";
import { type TextSequences, textSequences } from "./sequences.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Number of steps of a sequence, unless it is given or lines are shorter. */
const STEPS = 80;

/** Parts of a source of texts. */
export interface TextSourceParts {
  /** Name in messages. */
  readonly name: string;
  /** Lines of each author. */
  readonly authors: readonly AuthoredLines[];
  /** Form of the sequences. */
  readonly form?: TextForm;
}

/**
 * Makes a source from texts of authors. Each author's last fifth of lines is to test on. Symbols,
 * steps and the way to cut are those of the schema by which the texts are arranged; a form that
 * says otherwise does not fit it, and neither does a text with a character that the schema lacks.
 * The ids of the rows are the names of their authors.
 *
 * @throws {RangeError} If no author has two lines, all lines are empty, or a number of the form is
 * out of range.
 *
 * @example
 * ```ts
 * import { textSource } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const authors = [{ name: "ann", lines: ["to be", "or", "not"] }];
 * const { train, test, ids } = await textSource({ name: "notes", authors }).arrange(undefined);
 * assertEquals([train.length, test?.length, ids], [2, 1, ["ann", "ann"]]);
 * ```
 */
export function textSource({ name, authors, form = {} }: TextSourceParts): DataSource {
  checkTextForm(form);
  const { names, train, test } = splitLines(authors, form);
  if (names.length === 0) {
    const size = form.least ? ` and ${form.least} characters` : "";
    throw new RangeError(
      `Cannot use ${name}: expected an author of two lines${size} or more, got ${authors.length} others`,
    );
  }
  if ([...train, ...test].every((lines) => lines.every((line) => line === ""))) {
    throw new RangeError(
      `Cannot use ${name}: expected lines with characters, got empty ones alone`,
    );
  }
  const left = authors.length - names.length;
  const sequencesOf = (lines: readonly (readonly string[])[], meaning: TextMeaning) => {
    const { mode } = meaning;
    try {
      return textSequences(lines, { ...meaning, name: INPUT_NAMES[mode] });
    } catch (error) {
      throw unknownCharacter(name, names, lines, meaning.vocabulary) ?? error;
    }
  };
  return {
    name,
    hasIds: true,
    arrange: (given) =>
      Promise.try((): ArrangedData => {
        const meaning = given
          ? meaningOf(given, form, name)
          : ownMeaning([...train.flat(), ...test.flat()], form);
        const own = sequencesOf(train, meaning), others = sequencesOf(test, meaning);
        return {
          train: own.data,
          test: others.data,
          ids: idsOf(own, names),
          notes: [...leftOut(left, form), ...cutOff(own.cut + others.cut, meaning)],
        };
      }),
  };
}

/** Finds the form that texts have of themselves. */
function ownMeaning(lines: readonly string[], form: TextForm): TextMeaning {
  const { mode = "lines", symbols = "characters" } = form;
  const vocabulary = symbols === "bytes"
    ? Vocabulary.bytes()
    : Vocabulary.ofTexts(["\n", ...lines]);
  // The start of a line is a step as well.
  const longest = () => lines.reduce((most, line) => Math.max(most, lengthOf(line, symbols)), 0);
  const steps = form.steps ?? (mode === "windows" ? STEPS : Math.min(STEPS, longest() + 1));
  return { vocabulary, mode, steps: Math.max(steps, 2) };
}

/** Reads the form of the sequences of a schema, and compares it with what is said of the texts. */
function meaningOf(schema: Schema, form: TextForm, name: string): TextMeaning {
  const refuse = (expected: string, got: string): never => {
    throw new RangeError(`Cannot use ${name}: expected ${expected}, got ${got}`);
  };
  const meaning = textMeaning(schema);
  if (meaning === undefined) {
    return refuse(`data with the input ${schema.inputs[0]?.name ?? "of the schema"}`, "texts");
  }
  const { vocabulary, mode, steps } = meaning;
  if (form.mode !== undefined && form.mode !== mode) refuse(`texts as ${mode}`, form.mode);
  if (form.steps !== undefined && form.steps !== steps) {
    refuse(`sequences of ${steps} steps`, `${form.steps}`);
  }
  if (form.symbols !== undefined && form.symbols !== vocabulary.kind) {
    refuse(`the symbols ${vocabulary.kind}`, form.symbols);
  }
  return meaning;
}

/** Number of the symbols of a text. */
function lengthOf(line: string, symbols: NonNullable<TextForm["symbols"]>): number {
  // Most characters are one unit of UTF-16, and the others are counted.
  return symbols === "bytes" ? new TextEncoder().encode(line).length : [...line].length;
}

/** Describes the first character that a vocabulary lacks; `undefined` if it has all. */
function unknownCharacter(
  name: string,
  names: readonly string[],
  authors: readonly (readonly string[])[],
  vocabulary: Vocabulary,
): RangeError | undefined {
  for (const [author, lines] of authors.entries()) {
    for (const line of lines) {
      const character = Array.from(line).find((one) => !vocabulary.has(one));
      if (character === undefined) continue;
      return new RangeError(
        `Cannot use ${name}: expected characters of the schema, got ${
          JSON.stringify(character)
        } in a line of ${names[author]} (symbols=bytes where the schema is made knows all)`,
      );
    }
  }
}

function idsOf({ data, parts }: TextSequences, names: readonly string[]): string[] {
  const ids = new Array<string>(data.length).fill("");
  parts.forEach((rows, author) => rows.forEach((row) => ids[row] = names[author] ?? ""));
  return ids;
}

function leftOut(count: number, { least }: TextForm): string[] {
  if (count === 0) return [];
  const size = least ? ` or ${least} characters` : "";
  return [`Left out ${count} authors with less than two lines${size}`];
}

function cutOff(symbols: number, { steps, vocabulary: { kind } }: TextMeaning): string[] {
  return symbols === 0 ? [] : [`Cut off ${symbols} ${kind} of lines longer than ${steps} steps`];
}
