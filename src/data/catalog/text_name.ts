import type { TextForm } from "../text/form.ts";
import { parseTextForm } from "../text/form.ts";

/** Name of the plays of Shakespeare by role. */
const SHAKESPEARE = "shakespeare";

/** Usage of named texts, for messages and help. */
export const TEXTS_USAGE = `${SHAKESPEARE}[:lines|windows[,steps=COUNT][,symbols=bytes]]`;

/** Returns true for the name of texts, whatever form follows. */
export function isNamedText(spec: string): boolean {
  return /^shakespeare(?::|$)/.test(spec);
}

/** Folder and file of named texts, and their form. */
export interface NamedText {
  readonly folder: string;
  readonly file: string;
  readonly form: TextForm;
}

/**
 * Reads the name of texts.
 *
 * @throws {SyntaxError | RangeError} If the form is wrong.
 */
export function readNamedText(spec: string): NamedText {
  const form = spec.slice(SHAKESPEARE.length + 1);
  return {
    folder: SHAKESPEARE,
    file: "roles.jsonl.gz",
    form: spec === SHAKESPEARE ? {} : parseTextForm(form),
  };
}
