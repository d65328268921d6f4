import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { errorMessage } from "../errors.ts";

/** Where the sources lie. */
const PACKAGE = new URL("../../", import.meta.url);

/** Makes sure, before a run that may be long, that its report can be written. On a terminal Deno asks for the permission. */
export async function mayWrite(path: string): Promise<void> {
  const { state } = await Deno.permissions.request({ name: "write", path });
  if (state !== "granted") {
    throw new Deno.errors.NotCapable(`Cannot write ${path}: run Deno with --allow-write=${path}`);
  }
  const folder = dirname(path);
  // Whether it is there can be seen where reading is allowed.
  if ((await Deno.permissions.query({ name: "read", path: folder })).state !== "granted") return;
  const isThere = await Deno.stat(folder).then(({ isDirectory }) => isDirectory, () => false);
  if (!isThere) throw new Error(`Cannot write ${path}: there is no folder ${folder}`);
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
