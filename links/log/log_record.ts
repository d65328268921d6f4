import { getLevelName, type LogLevel } from "./levels.ts";

/** What a {@linkcode LogRecord} is made of. */
export interface LogRecordOptions {
  /** The message. */
  msg: string;
  /** What was logged with it. */
  args: unknown[];
  /** Its level. */
  level: LogLevel;
  /** Name of the logger it came through. */
  loggerName: string;
}

/** One thing that was logged, and when. */
export class LogRecord {
  #args: unknown[];
  #datetime = new Date();
  /** The message. */
  readonly msg: string;
  /** Its level's number. */
  readonly level: number;
  /** Its level's name. */
  readonly levelName: string;
  /** Name of the logger it came through. */
  readonly loggerName: string;

  /** Makes a record of now. */
  constructor(options: LogRecordOptions) {
    this.#args = [...options.args];
    this.msg = options.msg;
    this.level = options.level;
    this.levelName = getLevelName(options.level);
    this.loggerName = options.loggerName;
  }

  /** What was logged with the message. */
  get args(): unknown[] {
    return [...this.#args];
  }

  /** When it was logged. */
  get datetime(): Date {
    return new Date(this.#datetime.getTime());
  }
}
