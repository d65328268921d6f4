import { systemFiles } from "../../base/runtime/files.ts";
import type { DiskState } from "./disk_state.ts";
import type { DiskNode, FileNode } from "./node.ts";
import { DiskFailure } from "./os_error.ts";

/** Place that a position is counted from. */
export type Whence = Parameters<Deno.FsFile["seek"]>[1];

/** Rights and manner of an open file. */
export interface Access {
  readonly canRead: boolean;
  readonly canWrite: boolean;
  /** Set if each write goes to the end. */
  readonly isAppended: boolean;
}

/** File or folder that is open, and the position in it: what each of its calls does to the disk. */
export class OpenNode {
  readonly node: DiskNode;
  /** Absolute path by which it was opened. */
  readonly path: string;
  readonly #disk: DiskState;
  readonly #access: Access;
  #position = 0;

  /** Begins at the start of a file. */
  constructor(disk: DiskState, node: DiskNode, path: string, access: Access) {
    this.#disk = disk;
    this.node = node;
    this.path = path;
    this.#access = access;
  }

  /** Reads bytes at the position. Gives their number, or `null` at the end. */
  read(into: Uint8Array): number | null {
    const { node } = this;
    if (!this.#access.canRead) throw new DiskFailure("EBADF");
    if (node.kind === "folder") throw new DiskFailure("EISDIR");
    this.#disk.checkRead(this.path);
    const count = node.content.read(this.#position, into);
    this.#position += count;
    return count === 0 && into.length > 0 ? null : count;
  }

  /** Writes bytes at the position, or at the end. Gives the number of those there was room for. */
  write(bytes: Uint8Array): number {
    const node = this.#writableNode("EBADF");
    const at = this.#access.isAppended ? node.content.length : this.#position;
    const count = this.#disk.write(node, at, bytes);
    if (count < bytes.length) {
      this.#disk.tell(`ENOSPC after ${count} of ${bytes.length} bytes: write '${this.path}'`);
    }
    this.#position = at + count;
    return count;
  }

  /** Changes the length. */
  truncate(length: number): void {
    this.#disk.resize(this.#writableNode("EINVAL"), Math.max(0, Math.floor(length)));
  }

  /** Changes the position, and gives the new one. */
  seek(offset: number, whence: Whence): number {
    const { SeekMode } = systemFiles, { node } = this;
    let from = 0;
    if (whence === SeekMode.Current) from = this.#position;
    if (whence === SeekMode.End && node.kind === "file") from = node.content.length;
    const position = from + Math.floor(offset);
    if (position < 0) throw new DiskFailure("EINVAL");
    return this.#position = position;
  }

  /** Makes what was written, or the names of a folder, safe from crashes. */
  sync(): void {
    this.#disk.sync(this.node, this.path);
  }

  /** Sets the times of the last access and of the last change, in seconds if they are numbers. */
  setTimes(accessed: number | Date, modified: number | Date): void {
    const millis = (time: number | Date) => typeof time === "number" ? 1000 * time : time.getTime();
    this.node.accessed = millis(accessed);
    this.node.modified = millis(modified);
  }

  #writableNode(code: "EBADF" | "EINVAL"): FileNode {
    const { node } = this;
    if (!this.#access.canWrite || node.kind === "folder") throw new DiskFailure(code);
    return node;
  }
}
