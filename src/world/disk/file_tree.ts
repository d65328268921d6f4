import { splitPath } from "../../base/files/path.ts";
import type { DiskSpace } from "./disk_space.ts";
import type { NameChange, NameJournal } from "./name_journal.ts";
import {
  type DiskNode,
  type FileNode,
  type FolderNode,
  MAY_WRITE,
  newFile,
  newFolder,
  visit,
} from "./node.ts";
import { DiskFailure } from "./os_error.ts";
import { existing, follow, type Place } from "./path_walk.ts";

/** Parts of a disk that a tree of files works with. */
export interface TreeContext {
  readonly journal: NameJournal;
  readonly space: DiskSpace;
  /** Time of day in milliseconds, for those that do something now. */
  time(): number;
  /** Fails if a fault prevents a change of names. */
  checkChange(): void;
}

/** Files and folders of a disk by their names, and the operations on names. */
export class FileTree {
  readonly root: FolderNode;
  readonly #context: TreeContext;
  #numbers = 1;

  /** Makes an empty tree. */
  constructor(context: TreeContext) {
    this.#context = context;
    this.root = newFolder(this.#numbers++, 0o755, context.time());
  }

  /** Follows a path. The last name need not exist. */
  place(path: string): Place {
    return follow(this.root, path);
  }

  /** Finds the file or folder of a path. */
  find(path: string): DiskNode {
    return existing(this.place(path));
  }

  /** Makes an empty file. */
  makeFile({ folder, name, isOfFolder }: Place, mode: number): FileNode {
    if (name === undefined || isOfFolder) throw new DiskFailure("EISDIR");
    const node = newFile(this.#numbers++, mode, this.#context.time());
    this.#change([{ folder, name, before: undefined, after: node }], true);
    node.names = 1;
    return node;
  }

  /** Makes a folder, with those above it if that is asked for. */
  makeFolder(path: string, mode: number, isRecursive: boolean): void {
    if (isRecursive) return this.#makeAll(path, mode);
    const place = this.place(path);
    if (place.node !== undefined) throw new DiskFailure("EEXIST");
    this.#makeAt(place, mode);
  }

  #makeAll(path: string, mode: number): void {
    let place: Place;
    try {
      place = this.place(path);
    } catch (error) {
      if (path === "" || !(error instanceof DiskFailure) || error.code !== "ENOENT") throw error;
      this.#makeAll(splitPath(path).folder, mode);
      place = this.place(path);
    }
    if (place.node?.kind === "folder") return;
    if (place.node !== undefined) throw new DiskFailure("EEXIST");
    this.#makeAt(place, mode);
  }

  #makeAt({ folder, name }: Place, mode: number): void {
    if (name === undefined) throw new DiskFailure("EEXIST");
    const after = newFolder(this.#numbers++, mode, this.#context.time());
    this.#change([{ folder, name, before: undefined, after }], true);
  }

  /** Gives a file a further name. */
  link(from: string, to: string): void {
    const node = this.find(from), { folder, name, ...there } = this.place(to);
    if (there.node !== undefined || name === undefined) throw new DiskFailure("EEXIST");
    if (there.isOfFolder) throw new DiskFailure("ENOENT");
    if (node.kind === "folder") throw new DiskFailure("EPERM");
    this.#change([{ folder, name, before: undefined, after: node }], true);
    node.names++;
  }

  /** Gives a file or folder another name, in place of a file or an empty folder that has it. */
  rename(from: string, to: string): void {
    const old = this.place(from), { folder, name, ...there } = this.place(to);
    if (old.name === undefined || name === undefined) throw new DiskFailure("EBUSY");
    const node = existing(old);
    if (there.isOfFolder && node.kind === "file") throw new DiskFailure("ENOTDIR");
    if (there.folders.some((folder) => folder === node)) throw new DiskFailure("EINVAL");
    const before = there.node;
    if (before === node) return;
    if (before !== undefined) this.#checkReplaced(node, before, old.folders);
    this.#change([
      { folder: old.folder, name: old.name, before: node, after: undefined },
      { folder, name, before, after: node },
    ]);
    if (before?.kind === "file") this.#dropName(before);
  }

  #checkReplaced(node: DiskNode, before: DiskNode, above: readonly FolderNode[]): void {
    if (above.some((folder) => folder === before)) throw new DiskFailure("ENOTEMPTY");
    if (before.kind === "file") {
      if (node.kind === "folder") throw new DiskFailure("ENOTDIR");
      return;
    }
    if (node.kind === "file") throw new DiskFailure("EISDIR");
    if (before.entries.size > 0) throw new DiskFailure("ENOTEMPTY");
  }

  /** Removes a file or folder; one that is not empty only if that is asked for. */
  remove(path: string, isRecursive: boolean): void {
    const place = this.place(path), node = existing(place), { folder, name } = place;
    if (name === undefined) throw new DiskFailure(path.endsWith("..") ? "ENOTEMPTY" : "EINVAL");
    this.#removeAt(folder, name, node, isRecursive);
  }

  #removeAt(folder: FolderNode, name: string, node: DiskNode, isRecursive: boolean): void {
    if (node.kind === "folder" && node.entries.size > 0) {
      if (!isRecursive) throw new DiskFailure("ENOTEMPTY");
      for (const [child, below] of [...node.entries]) this.#removeAt(node, child, below, true);
    }
    this.#change([{ folder, name, before: node, after: undefined }]);
    if (node.kind === "file") this.#dropName(node);
  }

  /** Counts one use of a file less, and frees its room if it has no name and no use any more. */
  endUse(node: DiskNode): void {
    if (node.kind === "folder") return;
    node.uses--;
    this.#freeUnneeded(node);
  }

  /** Counts names and bytes anew, after a crash. No file may be open. */
  recount(): void {
    const { space } = this.#context, seen = new Set<FileNode>();
    space.used = 0;
    visit(this.root, "", (node) => {
      if (node.kind === "folder") return;
      if (!seen.has(node)) {
        seen.add(node);
        space.used += node.content.length;
        node.names = node.uses = 0;
      }
      node.names++;
    });
  }

  #dropName(node: FileNode): void {
    node.names--;
    this.#freeUnneeded(node);
  }

  #freeUnneeded({ names, uses, content }: FileNode): void {
    if (names === 0 && uses === 0) this.#context.space.used -= content.length;
  }

  /** Does an operation on names, unless a fault or the permissions prevent it. */
  #change(changes: readonly NameChange[], needsSpace = false): void {
    const { journal, space, time, checkChange } = this.#context, now = time();
    checkChange();
    for (const { folder } of changes) {
      if ((folder.mode & MAY_WRITE) === 0) throw new DiskFailure("EACCES");
    }
    if (needsSpace && space.free === 0) throw new DiskFailure("ENOSPC", true);
    let heldBytes = 0;
    const staying = changes.map(({ after }) => after);
    for (const { folder, before } of changes) {
      folder.modified = now;
      if (before?.kind !== "file" || before.names > 1 || staying.includes(before)) continue;
      heldBytes += before.content.length;
    }
    journal.apply(changes, heldBytes);
  }
}
