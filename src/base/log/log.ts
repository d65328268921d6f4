/**
 * Logger of a topology: lines on standard error and in a file.
 *
 * @module
 */

import { isDeno, runtime } from "../runtime/runtime.ts";
import { type BaseHandler, ConsoleHandler, Logger as StdLogger } from "./deps.ts";
import {
  formatRecord,
  LineHandler,
  printToStderr,
  SafeFileHandler,
  StderrHandler,
} from "./log_handlers.ts";
import { errorMessage } from "../errors.ts";

/** Logger of a topology. `@std/log`'s `Logger` satisfies it, and so does `console`. */
export interface Logger {
  /** Logs a detail for debugging. */
  debug(message: string, ...args: unknown[]): void;
  /** Logs a step of the run. */
  info(message: string, ...args: unknown[]): void;
  /** Logs a problem that does not end the run. */
  warn(message: string, ...args: unknown[]): void;
  /** Logs an error that ends the run, or a part of it. */
  error(message: string, ...args: unknown[]): void;
}

/** Lowest level that is logged. */
export type LogLevelName = "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";

/** Options of {@linkcode openLog}. */
export interface LogOptions {
  /**
   * Name of the log file without its extension, such as `clientLog`. No file is written when it is
   * empty or not given.
   */
  readonly loggerFile?: string | null;
  /** Rank of the process, which is appended to the file's name: `clientLog1.txt`. */
  readonly rank?: number;
  /**
   * Name in each line.
   *
   * @default {"fedlab"}
   */
  readonly loggerName?: string;
  /**
   * Folder of the file, which is created if it does not exist.
   *
   * @default {"log"}
   */
  readonly folder?: string;
  /**
   * Lowest level that is logged.
   *
   * @default {"INFO"}
   */
  readonly level?: LogLevelName;
  /**
   * Size in bytes at which the file is renamed to `FILE.1`, in place of the one before it. Default:
   * 16 MiB.
   */
  readonly fileBytes?: number;
  /**
   * True if lines go to standard error.
   *
   * @default {true}
   */
  readonly console?: boolean;
  /** Called with each line of the log, besides its file and the console. */
  readonly onLine?: ((level: LogLevelName, line: string) => void) | undefined;
  /** Logger of the application, which gets all lines. The options above have no effect then. */
  readonly logger?: Logger;
}

/** An open log. */
export interface LogHandle extends Disposable {
  /** Logger. */
  readonly logger: Logger;
  /** Path of the log file; `undefined` if there is none. */
  readonly file: string | undefined;
  /** Writes buffered lines; these handlers have none. */
  flush(): void;
}

/** Logger that discards all lines. */
export const silentLogger: Logger = Object.freeze({
  debug(): void {},
  info(): void {},
  warn(): void {},
  error(): void {},
});

/**
 * Opens a log that writes lines such as `2026-11-24T05:22:34.123Z client-1 INFO round 1` to
 * standard error and to `<folder>/<loggerFile><rank>.txt`.
 *
 * The file is appended to, after a line that marks where this process begins, and each record is
 * written at once. At 16 MiB it is renamed to `<loggerFile><rank>.txt.1`, in place of the one
 * before it; without the permission to read it, it is emptied instead.
 *
 * Never throws: if the file cannot be written, for lack of permission or space, one line on
 * standard error says so and the log continues without it. No permission is requested. In a browser
 * the lines go to its console, and there is no file.
 *
 * @example
 * ```ts
 * import { openLog } from "@fedlab/core";
 *
 * const folder = await Deno.makeTempDir();
 * using log = openLog({ folder, loggerFile: "clientLog", rank: 1, loggerName: "client-1" });
 * log.logger.info("connected to", "127.0.0.1:3001");
 * ```
 */
export function openLog(options: LogOptions = {}): LogHandle {
  if (options.logger !== undefined) {
    return { logger: options.logger, file: undefined, flush() {}, [Symbol.dispose]() {} };
  }
  const {
    level = "INFO",
    loggerName,
    loggerFile,
    rank,
    folder = "log",
    console = true,
    fileBytes,
    onLine,
  } = options;
  const handlers: BaseHandler[] = [];
  const formatter = formatRecord;
  if (console) {
    handlers.push(
      isDeno()
        ? new StderrHandler(level, { formatter })
        : new ConsoleHandler(level, { formatter, useColors: false }),
    );
  }
  const file = loggerFile && isDeno()
    ? openFile({
      folder,
      path: `${folder}/${loggerFile}${rank ?? ""}.txt`,
      level,
      loggerName: loggerName || "fedlab",
      fileBytes,
    })
    : undefined;
  if (file !== undefined) handlers.push(file.handler);
  if (onLine !== undefined) handlers.push(new LineHandler(level, onLine));
  return {
    logger: new StdLogger(loggerName || "fedlab", level, { handlers }),
    file: file?.path,
    flush() {},
    [Symbol.dispose]: () => file?.handler.destroy(),
  };
}

function openFile({ folder, path, level, loggerName, fileBytes }: {
  folder: string;
  path: string;
  level: LogLevelName;
  loggerName: string;
  fileBytes: number | undefined;
}): { path: string; handler: SafeFileHandler } | undefined {
  // Querying first keeps Deno from prompting in the middle of a run.
  if (runtime.process.permissions.querySync({ name: "write", path }).state !== "granted") {
    printToStderr(
      `Cannot write ${path}, the log goes on without it: run with --allow-write=${folder}`,
    );
    return undefined;
  }
  try {
    runtime.files.mkdirSync(folder, { recursive: true });
    const handler = new SafeFileHandler(level, path, fileBytes);
    handler.setup();
    handler.begin(loggerName);
    return { path, handler };
  } catch (error) {
    printToStderr(`Cannot write ${path}, the log goes on without it: ${errorMessage(error)}`);
    return undefined;
  }
}
