import { runtime } from "../runtime/runtime.ts";

/** Paths without `node:path`, which browsers do not have. */

const SEPARATOR = runtime.process.os === "windows" ? /[\\/]/ : /\//;

/** Splits a path into the folder and the name of its last part; trailing separators are ignored. */
export function splitPath(path: string): { folder: string; name: string } {
  let end = path.length;
  while (end > 1 && SEPARATOR.test(path[end - 1] ?? "")) end--;
  let at = end;
  while (at > 0 && !SEPARATOR.test(path[at - 1] ?? "")) at--;
  const name = path.slice(at, end);
  if (at === 0) return { folder: ".", name };
  while (at > 1 && SEPARATOR.test(path[at - 1] ?? "")) at--;
  return { folder: path.slice(0, at), name };
}

/** Returns the path of a file's URL. */
export function pathOfUrl({ pathname }: URL): string {
  const path = decodeURIComponent(pathname);
  return runtime.process.os === "windows" ? path.replace(/^\/(?=[A-Za-z]:)/, "") : path;
}
