import type { Random } from "../../base/random.ts";
import { DiskFaults } from "./disk_fault.ts";
import { DiskSpace } from "./disk_space.ts";
import { FileTree } from "./file_tree.ts";
import { NameJournal } from "./name_journal.ts";
import { type DiskNode, type FileNode, visit } from "./node.ts";
import { DiskFailure } from "./os_error.ts";

/** File that a process has opened, as the disk sees it. */
export interface OpenFile {
  /** Closes it without a word to its process, as the end of the machine does. */
  drop(): void;
}

/** Times that a sync takes as long as another call. */
const SYNC_TIMES = 20;

/** State of a disk, shared by the processes of its machine. */
export class DiskState {
  readonly random: Random;
  readonly faults = new DiskFaults();
  readonly space = new DiskSpace();
  readonly journal = new NameJournal();
  readonly tree: FileTree;
  /** Files that are open. */
  readonly open = new Set<OpenFile>();
  /** Tells about a fault that has had an effect, in a line. */
  readonly tell: (line: string) => void;
  /** Time of day in milliseconds, as of the process that calls; set before each call. */
  time: number;

  /** Creates an empty disk. */
  constructor(random: Random, time: number, tell: (line: string) => void) {
    this.random = random;
    this.time = time;
    this.tell = tell;
    this.tree = new FileTree({
      journal: this.journal,
      space: this.space,
      time: () => this.time,
      checkChange: () => this.checkChange(),
    });
  }

  /** Draws the time of a call in milliseconds. */
  latencyMillis(isSync: boolean): number {
    const [shortest, longest] = this.faults.latencyMillis;
    const millis = shortest + (longest - shortest) * this.random.uniform();
    return isSync ? millis * SYNC_TIMES : millis;
  }

  /** Fails if a fault prevents a write or a change of a name. */
  checkChange(): void {
    if (this.faults.isReadOnly) throw new DiskFailure("EROFS", true);
    if (this.#hits(this.faults.writeErrors)) throw new DiskFailure("EIO", true);
  }

  /** Fails if a fault prevents that a file is opened. */
  checkOpening(): void {
    if (this.open.size >= this.faults.mostOpenFiles) throw new DiskFailure("EMFILE", true);
  }

  /** Fails if a fault prevents that a file or folder is read. */
  checkRead(path: string): void {
    const { faults } = this;
    if (faults.isUnreadable(path) || this.#hits(faults.readErrors)) {
      throw new DiskFailure("EIO", true);
    }
  }

  /**
   * Writes bytes to a file, as many as there is room for.
   *
   * @returns Their number.
   */
  write(node: FileNode, at: number, bytes: Uint8Array): number {
    this.checkChange();
    // Written after the file was closed and removed.
    if (node.names === 0 && node.uses === 0) return bytes.length;
    const { content } = node, growth = at + bytes.length - content.length;
    const count = Math.max(0, bytes.length - Math.max(0, growth - this.space.free));
    if (count === 0) {
      if (bytes.length > 0) throw new DiskFailure("ENOSPC", true);
      return 0;
    }
    const before = content.length;
    content.write(at, bytes.subarray(0, count));
    this.space.used += content.length - before;
    node.modified = this.time;
    return count;
  }

  /** Changes the length of a file. */
  resize(node: FileNode, length: number): void {
    this.checkChange();
    const before = node.content.length;
    if (length - before > this.space.free) throw new DiskFailure("ENOSPC", true);
    node.content.resize(length);
    this.space.used += length - before;
    node.modified = this.time;
  }

  /** Makes the content of a file, or the names of a folder, safe from crashes. */
  sync(node: DiskNode, path: string): void {
    if (this.#hits(this.faults.syncErrors)) {
      if (node.kind === "file") node.isForgotten = true;
      throw new DiskFailure("EIO", true);
    }
    if (this.faults.liesAboutSync) this.tell(`does not sync ${path}, and says it does`);
    else if (node.kind === "folder") this.journal.sync(node);
    else if (!node.isForgotten) node.content.sync();
    else this.tell(`does not sync ${path}: an earlier sync has failed`);
  }

  /** Loses what the loss of power loses. */
  crash(): void {
    for (const file of [...this.open]) file.drop();
    const names = this.journal.crash(this.random);
    const seen = new Set<DiskNode>();
    let writes = 0;
    const changed: string[] = [];
    visit(this.tree.root, "", (node, path) => {
      if (node.kind === "folder" || seen.has(node)) return;
      seen.add(node);
      node.isForgotten = false;
      if (node.content.unsynced === 0) return;
      const { lost, torn } = node.content.crash(this.random);
      writes += lost;
      if (torn !== undefined) changed.push(` and all but ${torn} bytes of one to ${path}`);
    });
    this.tree.recount();
    this.tell(
      `loses ${names.lost} of ${names.all} changes of names, ${writes} writes${changed.join("")}`,
    );
  }

  #hits(share: number): boolean {
    return share > 0 && this.random.uniform() < share;
  }
}
