import type { DiskNode, FolderNode } from "./node.ts";
import { DiskFailure } from "./os_error.ts";

/** Length of a name in characters, beyond which Linux refuses it. */
const MOST_NAME_LENGTH = 255;

/** Place that a path leads to, where a file or folder is or may be. */
export interface Place {
  /** Folders from the root down, of which the last one has or gets the name. */
  readonly folders: readonly FolderNode[];
  /** Folder of the name. */
  readonly folder: FolderNode;
  /** Name; `undefined` where the path ends with `.`, `..` or `/`, and for the root. */
  readonly name: string | undefined;
  /** File or folder; `undefined` if there is none. */
  readonly node: DiskNode | undefined;
  /** Absolute path without `.` and `..`. */
  readonly path: string;
  /** Set if the path ends with a slash: it can only be that of a folder. */
  readonly isOfFolder: boolean;
}

/**
 * Follows a path from the root, which is the working folder too. The last name need not exist.
 *
 * @throws {DiskFailure} If a folder on the way does not exist, or is a file.
 */
export function follow(root: FolderNode, path: string): Place {
  if (path === "") throw new DiskFailure("ENOENT");
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.some((part) => part.length > MOST_NAME_LENGTH)) throw new DiskFailure("ENAMETOOLONG");
  const folders = [root], names: string[] = [];
  const last = parts.at(-1);
  const name = last === ".." || /(^|\/)\.\/*$/.test(path) ? undefined : last;
  for (const part of name === undefined ? parts : parts.slice(0, -1)) {
    if (part === "..") {
      if (folders.length > 1) folders.pop();
      names.pop();
      continue;
    }
    const node = folders.at(-1)?.entries.get(part);
    if (node === undefined) throw new DiskFailure("ENOENT");
    if (node.kind === "file") throw new DiskFailure("ENOTDIR");
    folders.push(node);
    names.push(part);
  }
  const folder = folders.at(-1) ?? root;
  if (name === undefined) {
    const whole = `/${names.join("/")}`;
    return { folders, folder, name, node: folder, path: whole, isOfFolder: true };
  }
  const node = folder.entries.get(name), isOfFolder = path.endsWith("/");
  return { folders, folder, name, node, path: `/${[...names, name].join("/")}`, isOfFolder };
}

/**
 * Returns the file or folder of a place.
 *
 * @throws {DiskFailure} If there is none, or a file where the path is that of a folder.
 */
export function existing({ node, isOfFolder }: Place): DiskNode {
  if (node === undefined) throw new DiskFailure("ENOENT");
  if (isOfFolder && node.kind === "file") throw new DiskFailure("ENOTDIR");
  return node;
}

/**
 * Returns a path as text.
 *
 * @throws {TypeError} If it is a URL, and not that of a file.
 */
export function pathText(path: string | URL): string {
  if (typeof path === "string") return path;
  if (path.protocol !== "file:") throw new TypeError("Must be a file URL");
  return decodeURIComponent(path.pathname);
}
