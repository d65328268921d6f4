/**
 * Where data sets lie.
 *
 * @module
 */

const VARIABLE = "FEDLAB_DATA";

/** A variable's value; `undefined` when it is empty or may not be read: Deno does not ask. */
function env(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return (state === "granted" ? Deno.env.get(variable) : undefined) || undefined;
}

/** The folder for a user's files that can be had again, and the variables that tell it. */
function cacheFolder(): { path: string | undefined; variables: string[] } {
  const home = (path: string) => {
    const folder = env("HOME");
    return folder === undefined ? undefined : `${folder}/${path}`;
  };
  switch (Deno.build.os) {
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
 * The folder of data sets: the given one unless it is empty, else what `FEDLAB_DATA` says, else `fedlab` in the user's cache folder.
 *
 * Throws an `Error` when no variable tells it or may be read.
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
