import { MAY_READ, MAY_WRITE } from "./node.ts";
import { OpenNode } from "./open_node.ts";
import { DiskFailure } from "./os_error.ts";
import { existing } from "./path_walk.ts";
import type { SystemCalls } from "./system_calls.ts";
import { VirtualFile } from "./virtual_file.ts";

/** Permissions that a process takes from new files and folders. */
export const UMASK = 0o022;

/**
 * Checks options of a call that opens a file, as Deno does.
 *
 * @throws {Error} If they contradict each other.
 */
export function checkOpenOptions(options: Deno.OpenOptions, path: string): void {
  const { read, write, append, truncate, create, createNew } = options;
  if (!read && !write && !append && !truncate && !create && !createNew) {
    throw new Error("'options' requires at least one option to be true");
  }
  if (!write && truncate) throw new Error("'truncate' option requires 'write' to be true");
  if ((create || createNew) && !write && !append) {
    throw new Error("'create' or 'createNew' options require 'write' or 'append' to be true");
  }
  if (append && truncate && !createNew) {
    const text = "creating or truncating a file requires write or append access";
    throw Object.assign(new TypeError(`${text}: open '${path}'`), { code: "EINVAL" });
  }
}

/**
 * Opens a file or folder for a process, and makes or empties it if that is asked for.
 *
 * @param suffix Part of the message of each later error.
 */
export function openFile(
  calls: SystemCalls,
  path: string,
  options: Deno.OpenOptions,
  suffix?: string,
): VirtualFile {
  const { disk } = calls, { tree } = disk;
  const { read = false, write = false, append = false, truncate, create, createNew } = options;
  const canWrite = write || append;
  disk.checkOpening();
  const place = tree.place(path);
  if ((create || createNew) && place.isOfFolder && place.name !== undefined) {
    throw new DiskFailure("EISDIR");
  }
  if (createNew && place.node !== undefined) throw new DiskFailure("EEXIST");
  const isNew = place.node === undefined && (create || createNew);
  const mode = (options.mode ?? 0o666) & 0o777 & ~UMASK;
  const node = isNew ? tree.makeFile(place, mode) : existing(place);
  if (node.kind === "folder" && canWrite) throw new DiskFailure("EISDIR");
  if (!isNew) {
    const needed = (read ? MAY_READ : 0) | (canWrite ? MAY_WRITE : 0);
    if ((node.mode & needed) !== needed) throw new DiskFailure("EACCES");
    if (canWrite && disk.faults.isReadOnly) throw new DiskFailure("EROFS", true);
    if (truncate && node.kind === "file") disk.resize(node, 0);
  }
  const access = { canRead: read, canWrite, isAppended: append };
  return new VirtualFile(calls, new OpenNode(disk, node, place.path, access), suffix);
}
