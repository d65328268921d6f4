/**
 * Folder of downloaded data sets.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";

const VARIABLE = "FEDLAB_DATA";

/** Reads an environment variable. Gives `undefined` when it is empty or may not be read. */
function env(variable: string): string | undefined {
  const { state } = runtime.process.permissions.querySync({ name: "env", variable });
  return (state === "granted" ? runtime.process.env.get(variable) : undefined) || undefined;
}

/** Gives the cache folder of the user, and the variables that determine it. */
export function cacheFolder(): { path: string | undefined; variables: string[] } {
  const home = (path: string) => {
    const folder = env("HOME");
    return folder === undefined ? undefined : `${folder}/${path}`;
  };
  switch (runtime.process.os) {
    case "windows":
      return { path: env("LOCALAPPDATA"), variables: ["LOCALAPPDATA"] };
    case "darwin":
      return { path: home("Library/Caches"), variables: ["HOME"] };
    default:
      return {
        path: env("XDG_CACHE_HOME") ?? home(".cache"),
        variables: ["XDG_CACHE_HOME", "HOME"],
      };
  }
}

/**
 * Gives the folder of data sets: the given one unless it is empty, else the value of `FEDLAB_DATA`,
 * else `fedlab` in the cache folder of the user.
 *
 * @throws {Error} If no variable determines it, or none may be read.
 */
export function dataFolder(given?: string): string {
  const named = given || env(VARIABLE);
  if (named !== undefined) return named;
  const { path, variables } = cacheFolder();
  if (path !== undefined) return `${path}/fedlab`;
  throw new Error(
    `Cannot tell the folder of data sets: expected it to be given (--data-dir), or one of the variables ${
      [VARIABLE, ...variables].join(", ")
    } that Deno may read, run it with --allow-env=${[VARIABLE, ...variables].join(",")}`,
  );
}
