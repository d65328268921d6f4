import { BaseHandler, type BaseHandlerOptions } from "./base_handler.ts";
import { type LevelName, LogLevels } from "./levels.ts";
import type { LogRecord } from "./log_record.ts";

/** Options of {@linkcode ConsoleHandler}. */
export interface ConsoleHandlerOptions extends BaseHandlerOptions {
  /** Whether records above DEBUG are coloured by their level; true when not given. */
  useColors?: boolean;
}

/** Logs to standard output by `console.log`. */
export class ConsoleHandler extends BaseHandler {
  #useColors: boolean;

  /** Makes a handler for records of the level and above. */
  constructor(levelName: LevelName, options: ConsoleHandlerOptions = {}) {
    super(levelName, options);
    this.#useColors = options.useColors ?? true;
  }

  /** The record as text, coloured if wanted. */
  override format(logRecord: LogRecord): string {
    const text = super.format(logRecord);
    return this.#useColors && !Deno.noColor ? colored(text, logRecord.level) : text;
  }

  /** Writes the text of one record. */
  override log(msg: string): void {
    // deno-lint-ignore no-console
    console.log(msg);
  }
}

function colored(text: string, level: number): string {
  switch (level) {
    case LogLevels.INFO:
      return `\x1b[34m${text}\x1b[39m`;
    case LogLevels.WARN:
      return `\x1b[33m${text}\x1b[39m`;
    case LogLevels.ERROR:
      return `\x1b[31m${text}\x1b[39m`;
    case LogLevels.CRITICAL:
      return `\x1b[1m\x1b[31m${text}\x1b[39m\x1b[22m`;
    default:
      return text;
  }
}
