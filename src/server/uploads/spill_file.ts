import { errorMessage } from "../../base/errors.ts";
import { removeUnlocked } from "../../base/files/folder.ts";
import { splitPath } from "../../base/files/path.ts";
import { isDeno, runtime } from "../../base/runtime/runtime.ts";
import { DiskReserve } from "./disk_reserve.ts";

/** Names of the files. A server that is alive holds a lock on its own; others are leftovers. */
const NAME = /^fedlab-updates-.*\.tmp$/;
const [PREFIX, SUFFIX] = ["fedlab-updates-", ".tmp"];

/** Options of a {@linkcode SpillFile}. */
export interface SpillFileOptions {
  /** Folder of the file. Default: the system's folder of temporary files. */
  readonly folder?: string | undefined;
  /** Bytes of a place in the file. */
  readonly placeBytes: number;
  /** Called with a line when the file cannot be used, for the first time. */
  readonly onFailure: (message: string) => void;
}

/**
 * Temporary file of updates that came before their turn. It is made when it is first written, and
 * is written and read in pieces, one at a time. Only its owner may read it. When it has filled the
 * disk, a reserve is given back, for the logs of the run.
 *
 * ```text
 * place    0          1          2
 *      | update   | update   | free     |     placeBytes each
 * ```
 */
export class SpillFile implements AsyncDisposable {
  readonly #options: SpillFileOptions;
  readonly #free: number[] = [];
  #places = 0;
  #file: Deno.FsFile | undefined;
  #path: string | undefined;
  #reserve: DiskReserve | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #bytesWritten = 0;
  #hasFailed = false;
  #hasTold = false;

  /** Creates no file yet. */
  constructor(options: SpillFileOptions) {
    this.#options = options;
  }

  /** Bytes written so far. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** True while pieces may be written: none has failed since the file was last empty. */
  get isUsable(): boolean {
    return !this.#hasFailed;
  }

  /** Removes the files of servers that have crashed from the folder. Never rejects. */
  async cleanUp(): Promise<void> {
    const { folder } = this.#options;
    if (folder === undefined || whyNotAllowed(folder) !== undefined) return;
    await removeUnlocked(folder, NAME).catch(() => {});
  }

  /** Takes a place, to be given back by {@linkcode SpillFile.giveBack}. */
  take(): number {
    return this.#free.pop() ?? this.#places++;
  }

  /** Gives a place back. */
  giveBack(place: number): void {
    this.#free.push(place);
    if (this.#free.length < this.#places) return;
    this.#free.length = this.#places = 0;
    void this.#next(() => this.#empty());
  }

  /**
   * Writes bytes at an offset in a place.
   *
   * @returns `false` when they cannot be written, as on a full disk. Never rejects.
   */
  async write(place: number, offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    return await this.#next(async () => {
      if (this.#hasFailed) return false;
      try {
        const file = this.#file ??= await this.#open();
        this.#reserve ??= DiskReserve.take(() => this.#makeFile());
        this.#seek(file, place, offset);
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
        this.#bytesWritten += bytes.length;
        return true;
      } catch (error) {
        this.#hasFailed = true;
        this.#giveReserveBack();
        this.#tell(error);
        return false;
      }
    });
  }

  /**
   * Reads bytes from an offset in a place on, as many as there is room for.
   *
   * @throws {Error} If they cannot be read.
   */
  async read(place: number, offset: number, into: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#next(async () => {
      const file = this.#file;
      if (file === undefined) throw new Error("Cannot read a kept update: there is no file");
      this.#seek(file, place, offset);
      for (let at = 0; at < into.length;) {
        const count = await file.read(into.subarray(at));
        if (count === null) throw new Error(`Cannot read ${this.#path}: it was cut short`);
        at += count;
      }
    });
  }

  /** Removes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#work;
    const path = this.#path;
    this.#giveReserveBack();
    this.#file?.close();
    this.#file = this.#path = undefined;
    if (path !== undefined) await runtime.files.remove(path).catch(() => {});
  }

  /** Gives the room of the file back to the disk, which others may need; there it may be new. */
  async #empty(): Promise<void> {
    if (this.#places > 0) return;
    await this.#file?.truncate(0).catch(() => {});
    this.#hasFailed = false;
  }

  /** Does something after all before it: the file has one position. */
  #next<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }

  async #open(): Promise<Deno.FsFile> {
    const { folder } = this.#options, { files } = runtime;
    const problem = whyNotAllowed(folder);
    if (problem !== undefined) throw new Error(problem);
    if (folder !== undefined) await files.mkdir(folder, { recursive: true });
    const path = this.#path = this.#makeFile();
    const file = files.openSync(path, { read: true, write: true });
    file.lockSync(true);
    if (folder === undefined) await removeUnlocked(splitPath(path).folder, NAME).catch(() => {});
    return file;
  }

  #makeFile(): string {
    const { folder } = this.#options, names = { prefix: PREFIX, suffix: SUFFIX };
    return runtime.files.makeTempFileSync(folder === undefined ? names : { ...names, dir: folder });
  }

  #giveReserveBack(): void {
    this.#reserve?.[Symbol.dispose]();
    this.#reserve = undefined;
  }

  #seek(file: Deno.FsFile, place: number, offset: number): void {
    file.seekSync(place * this.#options.placeBytes + offset, runtime.files.SeekMode.Start);
  }

  #tell(error: unknown): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    this.#options.onFailure(
      `Cannot keep updates that come early in a file: ${
        errorMessage(error)
      }; they wait for their turn instead, which may take longer`,
    );
  }
}

/** Returns the reason why files in a folder may not be used; never asks on a terminal. */
function whyNotAllowed(folder: string | undefined): string | undefined {
  if (!isDeno()) return "a browser has no files";
  for (const name of ["write", "read"] as const) {
    const { state } = runtime.process.permissions.querySync({
      name,
      ...(folder !== undefined && { path: folder }),
    });
    if (state === "granted") continue;
    return `run Deno with --allow-${name}${folder === undefined ? "" : `=${folder}`}`;
  }
  return undefined;
}
