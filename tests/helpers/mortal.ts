import { runtime } from "../../src/base/runtime/runtime.ts";
import type { Files } from "../../src/base/runtime/files.ts";

/** A process that dies at a chosen step: after that it changes no file and is heard no more. */
export class Mortal {
  readonly #lastStep: number;
  /** Number of steps so far: operations on files, and things that were told. */
  steps = 0;

  /** Makes a process that dies at the step after `lastStep`. */
  constructor(lastStep = Infinity) {
    this.#lastStep = lastStep;
  }

  /** True once the process has died. */
  get isDead(): boolean {
    return this.steps > this.#lastStep;
  }

  /** Takes a step. Throws an error after which nothing is tried again if the process dies at it. */
  step(): void {
    if (!this.isDead) this.steps++;
    if (this.isDead) throw new runtime.errors.NotCapable("killed");
  }

  /** Files that are as the dead process has left them. */
  files(): Files {
    const files: Record<PropertyKey, unknown> = { ...runtime.files };
    for (const [name, operation] of Object.entries(runtime.files)) {
      if (typeof operation !== "function") continue;
      files[name] = (...given: unknown[]) => {
        const isSync = name.endsWith("Sync") || name === "readDir";
        try {
          this.step();
        } catch (error) {
          if (isSync) throw error;
          return Promise.reject(error);
        }
        const result = operation(...given);
        if (name === "open") return result.then((file: Deno.FsFile) => this.#file(file));
        return name === "openSync" ? this.#file(result) : result;
      };
    }
    return Object.defineProperty(files, "SeekMode", { value: Deno.SeekMode }) as unknown as Files;
  }

  /** A file of which a write that the process dies at is half done. */
  #file(file: Deno.FsFile): Deno.FsFile {
    const write = async (bytes: Uint8Array<ArrayBuffer>): Promise<number> => {
      const wasDead = this.isDead;
      try {
        this.step();
      } catch (error) {
        if (!wasDead) await file.write(bytes.subarray(0, bytes.length >> 1));
        throw error;
      }
      return await file.write(bytes);
    };
    const changing = new Set<PropertyKey>(["sync", "truncate"]);
    return new Proxy(file, {
      get: (_, name) => {
        if (name === "write") return write;
        const value = Reflect.get(file, name, file);
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          if (changing.has(name)) this.step();
          return value.apply(file, given);
        };
      },
    });
  }
}
