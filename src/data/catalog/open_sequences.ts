/**
 * Sources of texts by author, in files of JSON lines.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import type { TextForm } from "../text/form.ts";
import { type AuthoredLines, readAuthoredLines } from "../text/roles.ts";
import { textSource } from "../text/text_source.ts";
import { dataFolder } from "./data_folder.ts";
import type { OpenedData } from "./opened.ts";
import type { LoadDatasetOptions } from "./options.ts";
import { readNamedText } from "./text_name.ts";

/** Opens texts that are in the folder of data sets. Rejects as {@linkcode openSequences} does. */
export async function openNamedSequences(
  spec: string,
  options: LoadDatasetOptions,
): Promise<OpenedData> {
  const { folder, form } = readNamedText(spec);
  if (options.sequences !== undefined) {
    throw new RangeError(
      `Cannot use ${spec}: expected the form of its texts behind the name, such as ${folder}:windows, got an option (--sequences)`,
    );
  }
  checkOptions(spec, options);
  const authors = await readNamedTexts(spec, options.dataDir);
  return { source: textSource({ name: spec, authors, form }), isTable: false };
}

/**
 * Reads texts that are in the folder of data sets.
 *
 * @throws {Deno.errors.NotFound} If they are not there.
 * @throws {Error} As `readAuthoredLines()` rejects.
 */
export async function readNamedTexts(spec: string, dataDir?: string): Promise<AuthoredLines[]> {
  const { folder, file } = readNamedText(spec);
  const path = `${dataFolder(dataDir).replace(/(.)[/\\]+$/, "$1")}/${folder}/${file}`;
  try {
    return await readAuthoredLines(path);
  } catch (cause) {
    if (!(cause instanceof runtime.errors.NotFound)) throw cause;
    throw new runtime.errors.NotFound(
      `Cannot find ${folder}: expected the file ${path} with a JSON object {"play", "role", "lines"} a line, which is not downloaded (docs/SEQUENCES.md)`,
      { cause },
    );
  }
}

/**
 * Opens a file of texts by author.
 *
 * @throws {RangeError} If an option does not go with texts, or no author has two lines.
 * @throws {Error} As `readAuthoredLines()` rejects.
 */
export async function openSequences(
  name: string,
  path: string,
  form: TextForm,
  options: LoadDatasetOptions,
): Promise<OpenedData> {
  checkOptions(name, options);
  const { encoding } = options.table ?? {};
  const authors = await readAuthoredLines(path, { ...(encoding !== undefined && { encoding }) });
  return { source: textSource({ name, authors, form }), isTable: false };
}

/** Throws a `RangeError` for an option that does not go with texts. */
function checkOptions(
  name: string,
  { standardize = false, testShare, sites = false }: LoadDatasetOptions,
): void {
  const refused = standardize
    ? "no --standardize with texts, whose symbols are no amounts"
    : sites
    ? "no --sites with texts, whose authors are clients by --partition natural"
    : testShare !== undefined
    ? "no --test-share with texts, the last fifth of which is to test on"
    : undefined;
  if (refused !== undefined) throw new RangeError(`Cannot use ${name}: expected ${refused}`);
}
