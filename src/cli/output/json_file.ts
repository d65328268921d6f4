import { readBytes } from "../../data/file.ts";
import { errorMessage } from "../../base/errors.ts";
import { v } from "../../plan/deps.ts";

/** Largest size of a JSON file in bytes. Parsed JSON can take twenty times as much memory. */
const MAX_BYTES = 2 ** 24;

/** Largest number of characters of a value in an error. */
const MAX_SHOWN = 60;

/**
 * Reads a JSON file.
 *
 * @param path Path of the file.
 * @param what Content of the file, for messages.
 * @param options `most` is the largest size in bytes, 16 MiB by default.
 * @throws {Error} If the file cannot be read, is too large or is not JSON in UTF-8.
 */
export async function readJson(
  path: string,
  what: string,
  options?: { most?: number },
): Promise<unknown> {
  return await readParsed(path, what, JSON.parse, options);
}

/**
 * Reads a file of text and parses it; otherwise as {@linkcode readJson}.
 *
 * @param parse Parses the text; throws if it cannot.
 */
export async function readParsed(
  path: string,
  what: string,
  parse: (text: string) => unknown,
  { most = MAX_BYTES }: { most?: number } = {},
): Promise<unknown> {
  try {
    const bytes = await readBytes(path, { most });
    return parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = errorMessage(cause).replace(`Cannot read ${path}: `, "");
    throw new Error(`Cannot read the ${what} ${path}: ${reason}`, { cause });
  }
}

/** Describes the first place at which a value does not match its schema. */
export function faultOf(
  { issues: [issue] }: v.SafeParseResult<v.GenericSchema> & { success: false },
): string {
  const place = v.getDotPath(issue) ?? "the whole";
  const shown = issue.received.slice(0, MAX_SHOWN).replaceAll(/\p{Cc}+/gu, " ");
  return `${place} is ${shown}, expected ${issue.expected ?? "another value"}`;
}
