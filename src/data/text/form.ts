/**
 * Settings of the sequences that texts become, as options and files name them.
 *
 * @module
 */

import { checkInRange } from "../../base/check.ts";
import { checkNamedOptions, readNamedOptions } from "../../base/named_options.ts";
import { SEQUENCE_MODES, type SequenceMode } from "./sequences.ts";

/** Way in which texts become sequences. */
export interface TextForm {
  /**
   * Way to cut the texts.
   *
   * @default That of the schema that the data are arranged by, else `"lines"`.
   */
  readonly mode?: SequenceMode;
  /**
   * Number of steps of a sequence, from 2.
   *
   * @default That of the schema, else 80, for lines no more than the longest takes.
   */
  readonly steps?: number;
  /**
   * Kind of the symbols: the characters that the texts have, or the 256 bytes of UTF-8.
   *
   * @default That of the schema, else `"characters"`.
   */
  readonly symbols?: "characters" | "bytes";
  /**
   * Least number of characters of an author; others are left out.
   *
   * @default {0}
   */
  readonly least?: number;
}

/** Usage of a form, for messages and help. */
export const TEXT_FORM_USAGE =
  "lines or windows[,steps=COUNT][,symbols=characters|bytes][,least=CHARACTERS]";

const SYMBOLS = ["characters", "bytes"] as const;

/** Most steps of a sequence. */
const MOST_STEPS = 65_536;

const STEPS = { whole: true, least: 2, most: MOST_STEPS } as const;
const LEAST = { whole: true, least: 0 } as const;

/**
 * Reads a form such as `windows,steps=80,symbols=bytes`, whose parts may all be left out.
 *
 * @throws {SyntaxError} If the text has another form.
 * @throws {RangeError} If there is no such option, or one is out of range.
 */
export function parseTextForm(text: string): TextForm {
  const [first = "", ...others] = text.split(",");
  const mode = SEQUENCE_MODES.find((one) => one === first.trim());
  const pairs = (mode === undefined ? [first, ...others] : others).join(",");
  if (mode === undefined && (text.trim() === "" || !first.includes("="))) {
    throw new SyntaxError(
      `Cannot read the form of texts ${JSON.stringify(text)}: expected ${TEXT_FORM_USAGE}`,
    );
  }
  const options = readNamedOptions("form of texts", pairs === "" ? "texts" : `texts:${pairs}`);
  checkNamedOptions(options, { numbers: ["steps", "least"], texts: ["symbols"] });
  const { numbers: { steps, least }, texts: { symbols } } = options;
  const kind = SYMBOLS.find((one) => one === symbols);
  if (kind !== symbols) {
    throw new RangeError(
      `Cannot read the form of texts ${text}: expected symbols=characters or symbols=bytes, got ${symbols}`,
    );
  }
  const form = {
    ...(mode !== undefined && { mode }),
    ...(steps !== undefined && { steps }),
    ...(kind !== undefined && { symbols: kind }),
    ...(least !== undefined && { least }),
  } as const;
  checkTextForm(form);
  return form;
}

/**
 * Checks the numbers of a form.
 *
 * @throws {RangeError} If one is out of range.
 */
export function checkTextForm({ steps, least }: TextForm): void {
  const problem = "Cannot make sequences of texts";
  if (steps !== undefined) {
    checkInRange(steps, STEPS, problem, `a whole number of steps from 2 to ${MOST_STEPS}`);
  }
  if (least !== undefined) {
    checkInRange(least, LEAST, problem, "a whole number of characters from 0");
  }
}
