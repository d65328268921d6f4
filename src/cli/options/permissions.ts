import { runtime } from "../../base/runtime/runtime.ts";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { errorMessage } from "../../base/errors.ts";

/** Folder of the package. */
const PACKAGE = new URL("../../../", import.meta.url);

/** Folder of the outputs of commands, which is made where it is missing. */
const RUNS = "runs";

/**
 * Requests a permission; on a terminal Deno asks the user.
 *
 * @throws {Deno.errors.NotCapable} If it is not granted; the message names the flag.
 */
export async function mayUse(name: "read" | "write", path: string): Promise<void> {
  const { state } = await runtime.process.permissions.request({ name, path });
  if (state === "granted") return;
  throw new runtime.errors.NotCapable(
    `Cannot ${name} ${path}: run Deno with --allow-${name}=${path}${await wayRound(name)}`,
  );
}

/** Describes the way round a task, whose flags cannot be extended. */
async function wayRound(name: "read" | "write"): Promise<string> {
  if (name === "read") return "";
  for (const [path, folder] of [[".", "this folder"], [RUNS, RUNS]] as const) {
    const { state } = await runtime.process.permissions.query({ name, path });
    if (state !== "granted") continue;
    return ` in place of the task (deno run … src/cli/main.ts …), or name a path in ${folder}`;
  }
  return "";
}

/**
 * Checks that a file can be written, before a run that may be long. Neither creates a file nor
 * changes one; makes the folder `runs`.
 *
 * @throws {Error} If it cannot be written; the message gives the reason.
 */
export async function mayWrite(path: string): Promise<void> {
  await mayUse("write", path);
  try {
    if (await isPipe(path)) return;
    try {
      (await runtime.files.open(path, { write: true, createNew: true })).close();
      await runtime.files.remove(path);
    } catch (error) {
      if (!(error instanceof runtime.errors.AlreadyExists)) throw error;
      (await runtime.files.open(path, { append: true })).close();
    }
  } catch (cause) {
    const folder = dirname(path);
    if (cause instanceof runtime.errors.NotFound && folder === RUNS) {
      return await runtime.files.mkdir(RUNS, { recursive: true });
    }
    const reason = cause instanceof runtime.errors.NotFound
      ? `there is no folder ${folder}`
      : errorMessage(cause);
    throw new Error(`Cannot write ${path}: ${reason}`, { cause });
  }
}

/**
 * Tells whether a path is a pipe or a device, as far as reading is allowed. Its reader would take
 * the end of a test for the end of the output.
 */
async function isPipe(path: string): Promise<boolean> {
  if ((await runtime.process.permissions.query({ name: "read", path })).state !== "granted") {
    return false;
  }
  return await runtime.files.stat(path).then(
    ({ isFile, isDirectory }) => !isFile && !isDirectory,
    () => false,
  );
}

/**
 * Formats anything that was thrown as one line. Where Deno refused access, the line names the
 * narrowest flag that grants it.
 */
export function messageWithFlag(error: unknown): string {
  return errorMessage(error).replace(
    /Requires (\w+) access to "([^"]+)", run again with the --allow-\1 flag( at \S+)?/,
    (_, kind: string, what: string) =>
      `Requires ${kind} access to "${what}": run Deno with --allow-${kind}=${scopeOf(what)}`,
  );
}

function scopeOf(what: string): string {
  // Each run makes a folder there, so the folder itself is needed.
  if (what.startsWith("runs/")) return "runs";
  // A worker's module imports others, and each would need a flag of its own.
  const sources = PACKAGE.protocol === "file:" ? fileURLToPath(PACKAGE) : undefined;
  return sources !== undefined && what.startsWith(sources) ? sources : what;
}
