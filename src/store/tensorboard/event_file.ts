/**
 * Event files for TensorBoard.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { checkInRange } from "../../base/check.ts";
import { scalarEvent, startEvent, tfRecord, versionEvent } from "./event_records.ts";

/**
 * File of scalars by step, as TensorBoard reads it: TFRecord frames of `Event` messages. It can be
 * read while it is written.
 *
 * @example Two steps of a run
 * ```ts
 * import { EventFile } from "@fedlab/core/store";
 *
 * const folder = await Deno.makeTempDir();
 * using events = EventFile.create(folder);
 * events.write(1, { loss: 2.3, accuracy: 0.1 });
 * events.write(2, { loss: 1.1, accuracy: 0.7 });
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class EventFile implements Disposable {
  /** Path of the file. */
  readonly path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Creates a new file in a folder, beside those of other runs. The folder is created if need be.
   *
   * @throws {Error} If the system cannot create them.
   */
  static create(folder: string): EventFile {
    runtime.files.mkdirSync(folder, { recursive: true });
    const seconds = runtime.clock.unixMillis() / 1000;
    // TensorBoard knows event files by "tfevents", and reads the files of a folder in order of
    // name.
    const stem = `${folder}/events.out.tfevents.${Math.floor(seconds)}.fedlab`;
    for (let n = 1;; n++) {
      const path = n === 1 ? stem : `${stem}.${n}`;
      try {
        const file = new EventFile(
          path,
          runtime.files.openSync(path, { write: true, createNew: true }),
        );
        file.#append(versionEvent(seconds));
        return file;
      } catch (error) {
        if (!(error instanceof runtime.errors.AlreadyExists)) throw error;
      }
    }
  }

  /**
   * Appends the values of a step.
   *
   * @param step Whole number from 0.
   * @param scalars Values by their names.
   * @param seconds Time of the step, in seconds since 1970. Default: now.
   * @throws {RangeError} If the step is no whole number from 0.
   */
  write(
    step: number,
    scalars: Readonly<Record<string, number>>,
    seconds: number = runtime.clock.unixMillis() / 1000,
  ): void {
    checkStep(step);
    this.#append(scalarEvent(step, scalars, seconds));
  }

  /**
   * Marks the step at which a run resumes. TensorBoard then hides the values that earlier files of
   * the folder have for this step and later ones.
   *
   * @param step Whole number from 0.
   * @param seconds Time of the step, in seconds since 1970. Default: now.
   * @throws {RangeError} If the step is no whole number from 0.
   */
  restart(step: number, seconds: number = runtime.clock.unixMillis() / 1000): void {
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
  checkInRange(step, { whole: true, least: 0 }, "Cannot write scalars", "a step from 0");
}
