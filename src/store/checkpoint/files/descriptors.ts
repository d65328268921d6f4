import { entriesIn, type NameForm, type UseFile } from "../../../base/files/folder.ts";
import { isOutOfDescriptors } from "../../../base/files/os_error.ts";

/** How many are held: a save has two files open at a time. */
const HELD = 3;

/**
 * File descriptors that are held open, so that a save can have them when strangers have taken all
 * others.
 *
 * A held one is given up and taken again within one turn of the event loop: no connection that is
 * accepted meanwhile gets it.
 */
export class Descriptors {
  readonly #held: Deno.FsFile[] = [];
  #path: string | undefined;

  /**
   * Holds some of a file or folder that is there, until disposed of; where it cannot be opened,
   * none.
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

  /** Opens a file for as long as it is used; a held descriptor serves where there is no other. */
  readonly use: UseFile = async (path, options, use) => {
    const file = await Deno.open(path, options)
      .catch((error) => this.#instead(error, () => Deno.openSync(path, options)));
    try {
      return await use(file);
    } finally {
      file.close();
      this.#fill();
    }
  };

  /** As the function of that name. */
  readonly entriesIn = async (
    folder: string,
    form: NameForm,
  ): Promise<{ files: string[]; links: string[] }> =>
    await entriesIn(folder, form, (folder) =>
      Array.fromAsync(Deno.readDir(folder))
        .catch((error) =>
          this.#instead(error, () => {
            const entries = [...Deno.readDirSync(folder)];
            this.#fill();
            return entries;
          })
        ));

  #instead<Result>(error: unknown, open: () => Result): Result {
    const file = isOutOfDescriptors(error) ? this.#held.pop() : undefined;
    if (file === undefined) throw error;
    file.close();
    return open();
  }

  #fill(): void {
    if (this.#path === undefined) return;
    try {
      while (this.#held.length < HELD) this.#held.push(Deno.openSync(this.#path));
    } catch { /* as many as there are */ }
  }
}
