import { BaseHandler, LogLevels, LogRecord } from "./deps.ts";
import { isDeno, runtime } from "../runtime/runtime.ts";
import { printable } from "../printable.ts";
import { errorMessage } from "../errors.ts";

/**
 * Formats a record as `time name LEVEL message arguments`. Further lines are indented, so that the
 * beginning of each record is unambiguous.
 */
export function formatRecord(record: LogRecord): string {
  const { loggerName, levelName } = record;
  return `${timeOf(record)} ${loggerName} ${levelName} ${linesOf(record)}`;
}

/** Times of day of records, by the runtime's clock: all handlers give the same one. */
const times = new WeakMap<LogRecord, string>();

function timeOf(record: LogRecord): string {
  const time = times.get(record) ?? new Date(runtime.clock.unixMillis()).toISOString();
  times.set(record, time);
  return time;
}

/** Formats a record as `name message arguments`. */
function lineOf(record: LogRecord): string {
  return `${record.loggerName} ${linesOf(record)}`;
}

function linesOf({ msg, args }: LogRecord): string {
  const text = [msg, ...args.map(textOf)].join(" ");
  // A message may quote a peer: nothing in it may pass for a record of its own or command the
  // terminal.
  return printable(text.replaceAll(/\r?\n/g, "\n  "));
}

function textOf(value: unknown): string {
  return typeof value === "string"
    ? value
    : isDeno()
    ? runtime.process.inspect(value)
    : String(value);
}

/** Querying first keeps Deno from prompting in the middle of a run. */
function isReadable(path: string): boolean {
  return runtime.process.permissions.querySync({ name: "read", path }).state === "granted";
}

/** Passes lines, without their time, to a function. */
export class LineHandler extends BaseHandler {
  readonly #onLine: (level: LevelName, line: string) => void;

  constructor(level: LevelName, onLine: (level: LevelName, line: string) => void) {
    super(level, { formatter: lineOf });
    this.#onLine = onLine;
  }

  override handle(record: LogRecord): void {
    if (record.level >= this.level) this.#onLine(record.levelName as LevelName, lineOf(record));
  }

  override log(): void {}
}

/** Name of a level. */
type LevelName = "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";

/** Logs to standard error; standard output is for results. */
export class StderrHandler extends BaseHandler {
  override log(msg: string): void {
    printToStderr(msg);
  }
}

/** Writes a line to standard error. Does nothing if it is closed. */
export function printToStderr(line: string): void {
  const bytes = new TextEncoder().encode(line + "\n");
  try {
    let written = 0;
    while (written < bytes.length) {
      written += runtime.process.stderr.writeSync(bytes.subarray(written));
    }
  } catch {
    // A closed pipe must not end the run.
  }
}

/** Size in bytes at which a log file is renamed. */
export const LOG_FILE_BYTES = 16 * 2 ** 20;

/**
 * Logs to a file that is appended to, each record written at once: a process that is killed leaves
 * all its records.
 *
 * If the disk fails it reports that once and is silent from then on. A full file is renamed to
 * `FILE.1`, in place of the one before it, if it may be read; else it is emptied.
 */
export class SafeFileHandler extends BaseHandler {
  readonly #filename: string;
  readonly #mostBytes: number;
  #file: Deno.FsFile | undefined;
  #bytes = 0;

  constructor(level: keyof typeof LogLevels, filename: string, mostBytes = LOG_FILE_BYTES) {
    super(level, { formatter: formatRecord });
    this.#filename = filename;
    this.#mostBytes = mostBytes;
  }

  override setup(): void {
    this.#file = runtime.files.openSync(this.#filename, { append: true, create: true });
    this.#bytes = isReadable(this.#filename) ? runtime.files.statSync(this.#filename).size : 0;
  }

  override log(msg: string): void {
    const bytes = new TextEncoder().encode(`${msg}\n`);
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#mostBytes) this.#rotate();
    this.#bytes += bytes.length;
    for (let at = 0; at < bytes.length;) at += this.#file?.writeSync(bytes.subarray(at)) ?? 0;
  }

  #rotate(): void {
    this.#file?.close();
    this.#file = undefined;
    if (isReadable(this.#filename)) runtime.files.renameSync(this.#filename, `${this.#filename}.1`);
    else runtime.files.truncateSync(this.#filename);
    this.setup();
  }

  override handle(record: LogRecord): void {
    this.#attempt(() => super.handle(record));
  }

  /** Writes a line that marks where a process begins, at any level. */
  begin(loggerName: string): void {
    const record = new LogRecord({
      msg: `The log of process ${runtime.process.pid} begins`,
      args: [],
      level: LogLevels.INFO,
      loggerName,
    });
    this.#attempt(() => this.log(this.format(record)));
  }

  override destroy(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #attempt(write: () => void): void {
    if (this.#file === undefined) return;
    try {
      write();
    } catch (error) {
      this.destroy();
      printToStderr(
        `Cannot write ${this.#filename}, the log goes on without it: ${errorMessage(error)}`,
      );
    }
  }
}
