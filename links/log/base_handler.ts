import { getLevelByName, getLevelName, type LevelName, type LogLevel } from "./levels.ts";
import type { LogRecord } from "./log_record.ts";

/** Turns a record into the text that is logged. */
export type FormatterFunction = (logRecord: LogRecord) => string;

/** Options of every handler. */
export interface BaseHandlerOptions {
  /** Turns a record into text; the default writes the level's name and the message, and no arguments. */
  formatter?: FormatterFunction;
}

/** Where records go: passes those of its level and above, as text, to {@linkcode BaseHandler.log}. */
export abstract class BaseHandler {
  #levelName: LevelName;
  #level: LogLevel;
  /** Turns a record into text. */
  formatter: FormatterFunction;

  /** Makes a handler for records of the level and above. */
  constructor(levelName: LevelName, options?: BaseHandlerOptions) {
    this.#levelName = levelName;
    this.#level = getLevelByName(levelName);
    this.formatter = options?.formatter ?? ((record) => `${record.levelName} ${record.msg}`);
  }

  /** The lowest level that is logged, as a number. */
  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    this.#level = level;
    this.#levelName = getLevelName(level);
  }

  /** The lowest level that is logged, by name. */
  get levelName(): LevelName {
    return this.#levelName;
  }

  set levelName(levelName: LevelName) {
    this.#levelName = levelName;
    this.#level = getLevelByName(levelName);
  }

  /** Logs the record if its level is high enough. */
  handle(logRecord: LogRecord): void {
    if (this.#level > logRecord.level) return;
    this.log(this.format(logRecord));
  }

  /** The record as text. */
  format(logRecord: LogRecord): string {
    return this.formatter(logRecord);
  }

  /** Writes the text of one record. */
  abstract log(msg: string): void;

  /** Opens what the handler writes to. */
  setup(): void {}

  /** Closes what the handler writes to. */
  destroy(): void {}

  /** Calls {@linkcode BaseHandler.destroy}. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}
