import { runtime } from "../../../base/runtime/runtime.ts";
import { entriesIn, type NameForm, type UseFile } from "../../../base/files/folder.ts";
import { isOutOfDescriptors } from "../../../base/files/os_error.ts";

/** Number of descriptors that are held: a save has two files open at a time. */
const HELD = 3;

/**
 * Reserve of file descriptors for saves, for when connections have taken all others.
 *
 * A reserved descriptor is closed and taken again within one turn of the event loop, so that no
 * connection accepted meanwhile gets it.
 */
export class Descriptors {
  readonly #held: Deno.FsFile[] = [];
  #path: string | undefined;

  /**
   * Reserves descriptors until disposed of, by opening a file or folder. Where that cannot be
   * opened, none are reserved.
   */
  hold(path: string): Disposable {
    this.#path = path;
    this.#fill();
    return {
      [Symbol.dispose]: () => {
        this.#path = undefined;
        for (const file of this.#held.splice(0)) file.close();
      },
    };
  }

  /** Opens a file while it is used, with a reserved descriptor when there is no other. */
  readonly use: UseFile = async (path, options, use) => {
    const file = await runtime.files.open(path, options)
      .catch((error) => this.#retry(error, () => runtime.files.openSync(path, options)));
    try {
      return await use(file);
    } finally {
      file.close();
      this.#fill();
    }
  };

  /** Lists entries as the function `entriesIn()` does, with a reserved descriptor if need be. */
  readonly entriesIn = async (
    folder: string,
    form: NameForm,
  ): Promise<{ files: string[]; links: string[] }> =>
    await entriesIn(folder, form, (folder) =>
      Array.fromAsync(runtime.files.readDir(folder))
        .catch((error) =>
          this.#retry(error, () => {
            const entries = [...runtime.files.readDirSync(folder)];
            this.#fill();
            return entries;
          })
        ));

  /** Repeats an operation that failed for lack of a descriptor, in place of a reserved one. */
  #retry<Result>(error: unknown, open: () => Result): Result {
    const file = isOutOfDescriptors(error) ? this.#held.pop() : undefined;
    if (file === undefined) throw error;
    file.close();
    return open();
  }

  #fill(): void {
    if (this.#path === undefined) return;
    try {
      while (this.#held.length < HELD) this.#held.push(runtime.files.openSync(this.#path));
    } catch { /* fewer will have to do */ }
  }
}
