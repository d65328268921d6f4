import { isRecord } from "../../base/json.ts";
import { readJson, readParsed } from "../output/json_file.ts";
import { CORE_SCHEMA, load } from "./deps.ts";

/** Content of an options file, for messages. */
const WHAT = "options file";

/**
 * Reads an options file: YAML where its name ends with `.yaml` or `.yml`, otherwise JSON.
 *
 * @throws {Error} If the file cannot be read, is too large, or has no object.
 */
export async function readConfig(path: string): Promise<Record<string, unknown>> {
  const value = /\.ya?ml$/i.test(path)
    ? await readParsed(path, WHAT, parseYaml)
    : await readJson(path, WHAT);
  if (isRecord(value)) return value;
  throw new Error(`Cannot read the ${WHAT} ${path}: expected an object with a field per option`);
}

/** Parses YAML with the types that JSON has. A fault is one line with its place. */
function parseYaml(text: string): unknown {
  try {
    return load(text, { schema: CORE_SCHEMA });
  } catch (cause) {
    const { reason, mark } = cause as { reason?: string; mark?: { line: number } };
    throw new SyntaxError(`${reason} at line ${(mark?.line ?? 0) + 1}`, { cause });
  }
}
