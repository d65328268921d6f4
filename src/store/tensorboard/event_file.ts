/**
 * Curves for TensorBoard.
 *
 * @module
 */

import { isCount } from "../../base/is_count.ts";
import { scalarEvent, startEvent, tfRecord, versionEvent } from "./event_records.ts";

/**
 * A file of scalars by step, as TensorBoard reads it: TFRecord frames of `Event` messages. It grows while a run goes on.
 *
 * @example
 * ```ts
 * import { EventFile } from "@fedlab/core";
 *
 * const folder = await Deno.makeTempDir();
 * using events = EventFile.create(folder);
 * events.write(1, { loss: 2.3, accuracy: 0.1 });
 * events.write(2, { loss: 1.1, accuracy: 0.7 });
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class EventFile implements Disposable {
  /** The file. */
  readonly path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Makes the folder where there is none, and a new file in it, beside those of other runs. Throws the system's error when it cannot.
   */
  static create(folder: string): EventFile {
    Deno.mkdirSync(folder, { recursive: true });
    const seconds = Date.now() / 1000;
    // TensorBoard takes a name for an event file's by "tfevents", and reads a folder's files by name.
    const stem = `${folder}/events.out.tfevents.${Math.floor(seconds)}.fedlab`;
    for (let n = 1;; n++) {
      const path = n === 1 ? stem : `${stem}.${n}`;
      try {
        const file = new EventFile(path, Deno.openSync(path, { write: true, createNew: true }));
        file.#append(versionEvent(seconds));
        return file;
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  }

  /**
   * Adds the values of a step by their names; `seconds` since 1970 is when that was. Throws a `RangeError` for a step that is no whole number
   * from 0.
   */
  write(
    step: number,
    scalars: Readonly<Record<string, number>>,
    seconds: number = Date.now() / 1000,
  ): void {
    checkStep(step);
    this.#append(scalarEvent(step, scalars, seconds));
  }

  /**
   * Says that a run goes on at that step: what earlier files of the folder have of it and of later ones is shown no more. `seconds` and errors
   * as of {@linkcode EventFile.write}.
   */
  restart(step: number, seconds: number = Date.now() / 1000): void {
    checkStep(step);
    this.#append(startEvent(step, seconds));
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  #append(event: Uint8Array): void {
    const record = tfRecord(event);
    for (let at = 0; at < record.length;) at += this.#file.writeSync(record.subarray(at));
  }
}

function checkStep(step: number): void {
  if (isCount(step)) return;
  throw new RangeError(`Cannot write scalars: expected a step from 0, got ${step}`);
}
