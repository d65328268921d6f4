import { publishFile, writeBytes } from "../../../base/files/whole_file.ts";
import { runtime } from "../../../base/runtime/runtime.ts";
import { decodeAccount, encodeAccount } from "../account.ts";
import { readAll } from "../../safetensors/file.ts";
import type { Descriptors } from "./descriptors.ts";

/** Permissions for the owner alone, as of a checkpoint. */
const MODE = 0o600;

/** Account of a run in a file beside its checkpoints. */
export class AccountFile {
  readonly #path: string;
  readonly #descriptors: Descriptors;

  constructor(path: string, descriptors: Descriptors) {
    this.#path = path;
    this.#descriptors = descriptors;
  }

  /** Replaces the account; the file has the old one or the new one at any time. */
  async write(account: unknown): Promise<void> {
    const bytes = await encodeAccount(account);
    const { use } = this.#descriptors;
    await publishFile(this.#path, (file) => writeBytes(file, bytes), { mode: MODE, use });
  }

  /**
   * Reads the account; `undefined` where there is none.
   *
   * @throws {SyntaxError} If it is not whole.
   */
  async read(): Promise<unknown> {
    try {
      return await this.#descriptors.use(this.#path, { read: true }, async (file) => {
        const bytes = new Uint8Array((await file.stat()).size);
        await readAll(file, bytes);
        return await decodeAccount(bytes, this.#path);
      });
    } catch (error) {
      if (error instanceof runtime.errors.NotFound) return undefined;
      throw error;
    }
  }
}
