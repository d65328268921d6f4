import { fileURLToPath, pathToFileURL } from "node:url";
import type { ClientPoolOptions } from "../sim/client_pool.ts";
import type { CachedData } from "./cached_data.ts";
import { ClusterError } from "./cluster_error.ts";
import type { MachineLimits } from "./membership.ts";
import type { SessionNote } from "./session_note.ts";

/** Folder of this package, from whose modules a handler's module imports. */
const PACKAGE = new URL("../../", import.meta.url);

/**
 * Returns the module of a run's handler, and the permissions of its workers: to read this package
 * and the module itself, which Deno asks for to load them, and nothing else.
 *
 * @throws {ClusterError} "module-refused" if this machine runs no modules.
 */
export async function moduleOf(
  { handler: stored }: SessionNote,
  data: CachedData,
  { allowsModules }: Pick<MachineLimits, "allowsModules">,
  signal: AbortSignal,
): Promise<Pick<ClientPoolOptions, "handler" | "permissions">> {
  if (stored === undefined) return { handler: undefined };
  const problem = `Cannot take part: the run has a handler of its own, ${stored.name}`;
  if (!allowsModules) {
    throw new ClusterError(
      "module-refused",
      `${problem}, and this machine runs no modules; with --allow-modules it does, in workers without permissions`,
    );
  }
  const path = await data.file(stored, stored.name?.endsWith(".js") ? "js" : "ts", signal);
  if (path === undefined) {
    throw new ClusterError(
      "module-refused",
      `${problem}, and this machine has no folder that it can write it to: give --cache-dir`,
    );
  }
  const read = [path, ...PACKAGE.protocol === "file:" ? [fileURLToPath(PACKAGE)] : []];
  const nothing = { net: false, env: false, run: false, write: false, ffi: false, sys: false };
  return { handler: pathToFileURL(path), permissions: { ...nothing, read } };
}
