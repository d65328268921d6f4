import { runtime } from "../../base/runtime/runtime.ts";

/** Bytes of a reserve: enough for the lines of the logs until the round is over. */
const RESERVE_BYTES = 2 ** 20;

/** Space on a disk that is taken in order to be given back when the disk is full. */
export class DiskReserve implements Disposable {
  #file: Deno.FsFile | undefined;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Takes the space by a file that is removed at once, and takes up space as long as it is open.
   *
   * @param makeFile Makes an empty file and returns its path.
   * @returns An empty reserve where a file cannot be removed while it is open.
   * @throws {Error} If there is no such space.
   */
  static take(makeFile: () => string): DiskReserve {
    const { files } = runtime, path = makeFile();
    const reserve = new DiskReserve(files.openSync(path, { write: true }));
    try {
      reserve.#fill();
      files.removeSync(path);
      return reserve;
    } catch (error) {
      reserve[Symbol.dispose]();
      files.removeSync(path);
      if (!(error instanceof runtime.errors.PermissionDenied)) throw error;
      return reserve;
    }
  }

  /** Gives the space back. A second call does nothing. */
  [Symbol.dispose](): void {
    this.#file?.truncateSync(0);
    this.#file?.close();
    this.#file = undefined;
  }

  #fill(): void {
    const bytes = new Uint8Array(RESERVE_BYTES);
    for (let at = 0; at < bytes.length;) at += this.#file?.writeSync(bytes.subarray(at)) ?? 0;
  }
}
