import type { Random } from "../../base/random.ts";
import type { DiskNode, FolderNode } from "./node.ts";

/** Number of operations, and bytes of removed files they hold, beyond which the oldest are kept. */
const MOST_OPERATIONS = 1000;
const MOST_HELD_BYTES = 16 * 2 ** 20;

/** Change of the entry that a folder has for a name. */
export interface NameChange {
  readonly folder: FolderNode;
  readonly name: string;
  /** File or folder before; `undefined` for a new name. */
  readonly before: DiskNode | undefined;
  /** File or folder from now on; `undefined` for a name that is removed. */
  readonly after: DiskNode | undefined;
}

/** Changes that a crash keeps or undoes together. */
interface Operation {
  readonly changes: readonly NameChange[];
  /** Bytes of the file that lost its last name. */
  readonly heldBytes: number;
}

/**
 * Operations on names, such as renames, that a crash may undo: those since the last sync of their
 * folder. Those of a folder persist in order up to some point, and each as a whole.
 */
export class NameJournal {
  #operations: Operation[] = [];
  #heldBytes = 0;

  /** Number of operations that a crash may undo. */
  get unsynced(): number {
    return this.#operations.length;
  }

  /** Does an operation, and keeps in mind how to undo it. */
  apply(changes: readonly NameChange[], heldBytes: number): void {
    for (const { folder, name, after } of changes) setEntry(folder, name, after);
    this.#operations.push({ changes, heldBytes });
    this.#heldBytes += heldBytes;
    if (this.#operations.length > MOST_OPERATIONS) this.#keepOldest(MOST_OPERATIONS / 2);
    while (this.#heldBytes > MOST_HELD_BYTES) this.#keepOldest(1);
  }

  /** Makes the operations on a folder safe from crashes, and with them those that come before. */
  sync(folder: FolderNode): void {
    const folders = new Set([folder]);
    this.#operations = this.#operations.reverse().filter(({ changes, heldBytes }) => {
      if (!changes.some(({ folder }) => folders.has(folder))) return true;
      // The other folder of a rename keeps its own in order too.
      for (const { folder } of changes) folders.add(folder);
      this.#heldBytes -= heldBytes;
      return false;
    }).reverse();
  }

  /** Makes all operations safe from crashes. */
  syncAll(): void {
    this.#operations = [];
    this.#heldBytes = 0;
  }

  /**
   * Undoes the operations on each folder from one on that is drawn.
   *
   * @returns The number of those that are gone, and of all that were in question.
   */
  crash(random: Random): { lost: number; all: number } {
    const counts = new Map<FolderNode, number>();
    for (const folder of this.#operations.flatMap(foldersOf)) {
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    const left = new Map([...counts].map(([folder, count]) => [folder, random.below(count + 1)]));
    const undone: Operation[] = [], all = this.#operations.length;
    for (const operation of this.#operations) {
      const folders = foldersOf(operation);
      const persists = folders.every((folder) => (left.get(folder) ?? 0) > 0);
      for (const folder of folders) left.set(folder, persists ? (left.get(folder) ?? 0) - 1 : 0);
      if (!persists) undone.push(operation);
    }
    for (const { changes } of undone.reverse()) {
      for (const { folder, name, before } of changes) setEntry(folder, name, before);
    }
    this.syncAll();
    return { lost: undone.length, all };
  }

  #keepOldest(count: number): void {
    for (const { heldBytes } of this.#operations.splice(0, count)) this.#heldBytes -= heldBytes;
  }
}

function foldersOf({ changes }: Operation): FolderNode[] {
  return [...new Set(changes.map(({ folder }) => folder))];
}

function setEntry({ entries }: FolderNode, name: string, node: DiskNode | undefined): void {
  if (node === undefined) entries.delete(name);
  else entries.set(name, node);
}
