import { BaseHandler, type BaseHandlerOptions } from "./base_handler.ts";
import { type LevelName, LogLevels } from "./levels.ts";
import type { LogRecord } from "./log_record.ts";

/** How a log file is opened: `a` appends, `w` empties it first, `x` refuses one that is there. */
export type LogMode = "a" | "w" | "x";

/** Options of {@linkcode FileHandler}. */
export interface FileHandlerOptions extends BaseHandlerOptions {
  /** Path of the file. */
  filename: string;
  /** How the file is opened; `a` when not given. */
  mode?: LogMode;
  /** Size of the buffer in bytes; 4096 when not given. */
  bufferSize?: number;
}

/**
 * Logs to a file, a line a record.
 *
 * Writing is synchronous and goes through a buffer, which is written out when it is full, after a record above ERROR, by
 * {@linkcode FileHandler.flush}, and at the program's end. Needs `--allow-write` on the file.
 */
export class FileHandler extends BaseHandler {
  #encoder = new TextEncoder();
  #onUnload = () => this.destroy();
  #options: FileHandlerOptions;
  #buffer: Uint8Array;
  #length = 0;
  #file: Deno.FsFile | undefined;

  /** Makes a handler for records of the level and above; call {@linkcode FileHandler.setup} before logging. */
  constructor(levelName: LevelName, options: FileHandlerOptions) {
    super(levelName, options);
    this.#options = options;
    this.#buffer = new Uint8Array(options.bufferSize ?? 4096);
  }

  /** Opens the file. Throws what `Deno.openSync()` throws. */
  override setup(): void {
    const { filename, mode = "a" } = this.#options;
    this.#file = Deno.openSync(filename, {
      createNew: mode === "x",
      create: mode !== "x",
      append: mode === "a",
      truncate: mode !== "a",
      write: true,
    });
    this.#length = 0;
    addEventListener("unload", this.#onUnload);
  }

  /** Logs the record if its level is high enough. */
  override handle(logRecord: LogRecord): void {
    super.handle(logRecord);
    if (logRecord.level > LogLevels.ERROR) this.flush();
  }

  /** Writes the text of one record to the buffer, or past it when it is longer. */
  override log(msg: string): void {
    const bytes = this.#encoder.encode(msg + "\n");
    if (bytes.length > this.#buffer.length - this.#length) this.flush();
    if (bytes.length > this.#buffer.length) {
      this.#write(bytes);
    } else {
      this.#buffer.set(bytes, this.#length);
      this.#length += bytes.length;
    }
  }

  /** Writes the buffer to the file. Throws what writing throws. */
  flush(): void {
    if (this.#length === 0 || this.#file === undefined) return;
    this.#write(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  /** Writes the buffer to the file and closes it. */
  override destroy(): void {
    this.flush();
    this.#file?.close();
    this.#file = undefined;
    removeEventListener("unload", this.#onUnload);
  }

  #write(bytes: Uint8Array): void {
    if (this.#file === undefined) throw new TypeError("Cannot log: the file is not open");
    let written = 0;
    while (written < bytes.length) written += this.#file.writeSync(bytes.subarray(written));
  }
}
