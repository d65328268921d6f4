import { runtime } from "../../base/runtime/runtime.ts";
import { infoOf } from "./node.ts";
import type { OpenNode, Whence } from "./open_node.ts";
import type { OpenFile } from "./disk_state.ts";
import type { CallQueue, SystemCalls } from "./system_calls.ts";
import { readableOf, writableOf } from "./file_streams.ts";

/** Bytes that the system writes without a look at signals: a killed process leaves whole pages. */
const PAGE_BYTES = 4096;

/** Open file or folder of a disk. */
export class VirtualFile implements Deno.FsFile, OpenFile {
  readonly #calls: SystemCalls;
  readonly #open: OpenNode;
  readonly #suffix: string | undefined;
  readonly #queue: CallQueue = { pending: 0, until: 0 };
  /** Releases it when the process has ended. */
  readonly #end: Disposable & { toString(): string } = {
    [Symbol.dispose]: () => this.#beCutOff(),
    toString: () => `file ${this.#open.path}`,
  };
  #isOpen = true;
  /** Calls that have not taken place: the bytes of those that write. */
  readonly #ahead: (Uint8Array | undefined)[] = [];
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;

  /**
   * Opens a file.
   *
   * @param suffix Part of the message of each error.
   */
  constructor(calls: SystemCalls, open: OpenNode, suffix: string | undefined) {
    this.#calls = calls;
    this.#open = open;
    this.#suffix = suffix;
    if (open.node.kind === "file") open.node.uses++;
    calls.disk.open.add(this);
    calls.process.own(this.#end);
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOf(this);
  }

  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= writableOf(this);
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#later("read", () => this.#open.read(into));
  }

  readSync(into: Uint8Array): number | null {
    return this.#now("read", () => this.#open.read(into));
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#later("write", () => this.#open.write(bytes), { bytes });
  }

  writeSync(bytes: Uint8Array): number {
    return this.#now("write", () => this.#open.write(bytes));
  }

  truncate(length = 0): Promise<void> {
    return this.#later("truncate", () => this.#open.truncate(length));
  }

  truncateSync(length = 0): void {
    this.#now("truncate", () => this.#open.truncate(length));
  }

  seek(offset: number | bigint, whence: Whence): Promise<number> {
    return this.#later("seek", () => this.#open.seek(Number(offset), whence));
  }

  seekSync(offset: number | bigint, whence: Whence): number {
    return this.#now("seek", () => this.#open.seek(Number(offset), whence));
  }

  stat(): Promise<Deno.FileInfo> {
    return this.#later("stat", () => infoOf(this.#open.node));
  }

  statSync(): Deno.FileInfo {
    return this.#now("stat", () => infoOf(this.#open.node));
  }

  sync(): Promise<void> {
    return this.#later("sync", () => this.#open.sync(), { isSync: true });
  }

  syncSync(): void {
    this.#now("sync", () => this.#open.sync());
  }

  syncData(): Promise<void> {
    return this.sync();
  }

  syncDataSync(): void {
    this.syncSync();
  }

  utime(accessed: number | Date, modified: number | Date): Promise<void> {
    return this.#later("utime", () => this.#open.setTimes(accessed, modified));
  }

  utimeSync(accessed: number | Date, modified: number | Date): void {
    this.#now("utime", () => this.#open.setTimes(accessed, modified));
  }

  lock(isExclusive = false): Promise<void> {
    this.#checkOpen();
    return new Promise((resolve) => {
      this.#open.node.locks.take(this, isExclusive, () => this.#calls.wake(resolve));
    });
  }

  /** Locks the file. Fails where a process of Deno would stop until another one releases it. */
  lockSync(isExclusive = false): void {
    if (this.tryLockSync(isExclusive)) return;
    throw new Error(
      `Cannot wait for the lock on ${this.#open.path} at once: another file holds it`,
    );
  }

  tryLock(isExclusive = false): Promise<boolean> {
    return this.#later("lock", () => this.#open.node.locks.tryTake(this, isExclusive));
  }

  tryLockSync(isExclusive = false): boolean {
    return this.#now("lock", () => this.#open.node.locks.tryTake(this, isExclusive));
  }

  unlock(): Promise<void> {
    return this.#later("unlock", () => this.#open.node.locks.release(this));
  }

  unlockSync(): void {
    this.#now("unlock", () => this.#open.node.locks.release(this));
  }

  isTerminal(): boolean {
    return false;
  }

  setRaw(): void {
    throw new Error("Cannot set the mode of a terminal: the file is none");
  }

  close(): void {
    this.#checkOpen();
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#calls.process.disown(this.#end);
    this.drop();
  }

  drop(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { disk } = this.#calls;
    disk.open.delete(this);
    this.#open.node.locks.release(this);
    disk.tree.endUse(this.#open.node);
  }

  /** Closes it at the end of its process, which may have come in the middle of a write. */
  #beCutOff(): void {
    const { disk } = this.#calls, bytes = this.#ahead[0];
    const pages = Math.ceil((bytes?.length ?? 0) / PAGE_BYTES);
    if (this.#isOpen && bytes !== undefined && pages > 1) {
      try {
        this.#open.write(bytes.subarray(0, disk.random.below(pages) * PAGE_BYTES));
      } catch { /* nobody is told of it any more */ }
    }
    this.drop();
  }

  #checkOpen(): void {
    if (!this.#isOpen) throw new runtime.errors.BadResource("Bad resource ID");
  }

  #now<Result>(name: string, act: () => Result): Result {
    this.#checkOpen();
    return this.#calls.now({ name: `${name} '${this.#open.path}'`, named: this.#suffix }, act);
  }

  async #later<Result>(
    name: string,
    act: () => Result,
    { isSync = false, bytes }: { isSync?: boolean; bytes?: Uint8Array } = {},
  ): Promise<Result> {
    this.#checkOpen();
    return await this.#calls.later({
      name: `${name} '${this.#open.path}'`,
      named: this.#suffix,
      isSync,
      queue: this.#queue,
      onPlace: (hasTakenPlace) =>
        void (hasTakenPlace ? this.#ahead.shift() : this.#ahead.push(bytes)),
    }, act);
  }
}
