import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { errorMessage } from "../../base/errors.ts";

/** Where the sources lie. */
const PACKAGE = new URL("../../../", import.meta.url);

/** Makes sure of a permission; on a terminal Deno asks for it. */
export async function mayUse(name: "read" | "write", path: string): Promise<void> {
  const { state } = await Deno.permissions.request({ name, path });
  if (state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Cannot ${name} ${path}: run Deno with --allow-${name}=${path}${await wayRound(name)}`,
  );
}

/** What to do where the flags are those of a task, which cannot be added to. */
async function wayRound(name: "read" | "write"): Promise<string> {
  if (name === "read") return "";
  const { state } = await Deno.permissions.query({ name, path: "runs" });
  return state === "granted"
    ? " in place of the task (deno run … src/cli/main.ts …), or name a path in runs"
    : "";
}

/**
 * Makes sure, before a run that may be long, that a file can be written: what is in it stays, and none is left where there was none. Rejects with
 * an `Error` that says why not.
 */
export async function mayWrite(path: string): Promise<void> {
  await mayUse("write", path);
  try {
    if (await isPipe(path)) return;
    try {
      (await Deno.open(path, { write: true, createNew: true })).close();
      await Deno.remove(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      (await Deno.open(path, { append: true })).close();
    }
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound
      ? `there is no folder ${dirname(path)}`
      : errorMessage(cause);
    throw new Error(`Cannot write ${path}: ${reason}`, { cause });
  }
}

/** Whether it is a pipe or a device, whose reader would take the first closing for the end; that can be seen where reading is allowed. */
async function isPipe(path: string): Promise<boolean> {
  if ((await Deno.permissions.query({ name: "read", path })).state !== "granted") return false;
  return await Deno.stat(path).then(
    ({ isFile, isDirectory }) => !isFile && !isDirectory,
    () => false,
  );
}

/** The message of anything that was thrown, on one line; where Deno itself refused something, with the narrowest flag that serves. */
export function messageWithFlag(error: unknown): string {
  return errorMessage(error).replace(
    /Requires (\w+) access to "([^"]+)", run again with the --allow-\1 flag( at \S+)?/,
    (_, kind: string, what: string) =>
      `Requires ${kind} access to "${what}": run Deno with --allow-${kind}=${scopeOf(what)}`,
  );
}

function scopeOf(what: string): string {
  // Each run has a folder of its own there, and the next one needs the same.
  if (what.startsWith("runs/")) return "runs";
  // A worker's module imports others, each of which would be asked for in turn.
  const sources = PACKAGE.protocol === "file:" ? fileURLToPath(PACKAGE) : undefined;
  return sources !== undefined && what.startsWith(sources) ? sources : what;
}
