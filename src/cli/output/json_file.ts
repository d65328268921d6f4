import { readBytes } from "../../data/file.ts";
import { errorMessage } from "../../base/errors.ts";
import { v } from "../../plan/deps.ts";

/** Most bytes of a file of settings: what is read of it takes up to twenty times as much memory. */
const MAX_BYTES = 2 ** 24;

/** Most characters of a value that an error shows. */
const MAX_SHOWN = 60;

/**
 * Reads a file of JSON; `what` is what it has, for messages. Rejects with an `Error` of one line
 * that names it when it cannot be read, is no file, has more than `most` bytes (default 16 MiB) or
 * is no JSON in UTF-8.
 */
export async function readJson(
  path: string,
  what: string,
  { most = MAX_BYTES }: { most?: number } = {},
): Promise<unknown> {
  try {
    const bytes = await readBytes(path, { most });
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = errorMessage(cause).replace(`Cannot read ${path}: `, "");
    throw new Error(`Cannot read the ${what} ${path}: ${reason}`, { cause });
  }
}

/** Where a value is first not what the schema wants, and what stands there. */
export function faultOf(
  { issues: [issue] }: v.SafeParseResult<v.GenericSchema> & { success: false },
): string {
  const place = v.getDotPath(issue) ?? "the whole";
  const shown = issue.received.slice(0, MAX_SHOWN).replaceAll(/\p{Cc}+/gu, " ");
  return `${place} is ${shown}, expected ${issue.expected ?? "another value"}`;
}
