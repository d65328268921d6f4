import type { BaseHandler } from "./base_handler.ts";
import { LogRecord } from "./log_record.ts";
import {
  getLevelByName,
  getLevelName,
  type LevelName,
  type LogLevel,
  LogLevels,
} from "./levels.ts";

/** Any function. */
// deno-lint-ignore no-explicit-any
export type GenericFunction = (...args: any[]) => any;

/** Options of {@linkcode Logger}. */
export interface LoggerOptions {
  /** Where records go; nowhere when not given. */
  handlers?: BaseHandler[];
}

/** Loggers and handlers by name, for `setup()`. */
export interface LogConfig {
  /** The handlers. */
  handlers?: { [name: string]: BaseHandler };
  /** The loggers. */
  loggers?: { [name: string]: LoggerConfig };
}

/** A logger's configuration. */
export interface LoggerConfig {
  /** The lowest level that is logged; INFO when not given. */
  level?: LevelName;
  /** Names of its handlers. */
  handlers?: string[];
}

/**
 * Passes what is logged at its level and above to its handlers.
 *
 * Each method returns the message. A message that is a function is called only when it is logged, and its result is both
 * logged and returned.
 */
export class Logger {
  #level: LogLevel;
  readonly #loggerName: string;
  /** Where records go. */
  handlers: BaseHandler[];

  /** Makes a logger for messages of the level and above. */
  constructor(loggerName: string, levelName: LevelName, options: LoggerOptions = {}) {
    this.#loggerName = loggerName;
    this.#level = getLevelByName(levelName);
    this.handlers = options.handlers ?? [];
  }

  /** The lowest level that is logged, as a number. Setting throws a `TypeError` for a number that is no level. */
  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    try {
      this.#level = getLevelByName(getLevelName(level));
    } catch {
      throw new TypeError(`Invalid log level: ${level}`);
    }
  }

  /** The lowest level that is logged, by name. */
  get levelName(): LevelName {
    return getLevelName(this.#level);
  }

  set levelName(levelName: LevelName) {
    this.#level = getLevelByName(levelName);
  }

  /** The logger's name. */
  get loggerName(): string {
    return this.#loggerName;
  }

  /** Logs at DEBUG. */
  debug<T>(msg: () => T, ...args: unknown[]): T | undefined;
  /** Logs at DEBUG. */
  debug<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  debug<T>(msg: Message<T>, ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.DEBUG, msg, args);
  }

  /** Logs at INFO. */
  info<T>(msg: () => T, ...args: unknown[]): T | undefined;
  /** Logs at INFO. */
  info<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  info<T>(msg: Message<T>, ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.INFO, msg, args);
  }

  /** Logs at WARN. */
  warn<T>(msg: () => T, ...args: unknown[]): T | undefined;
  /** Logs at WARN. */
  warn<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  warn<T>(msg: Message<T>, ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.WARN, msg, args);
  }

  /** Logs at ERROR. */
  error<T>(msg: () => T, ...args: unknown[]): T | undefined;
  /** Logs at ERROR. */
  error<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  error<T>(msg: Message<T>, ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.ERROR, msg, args);
  }

  /** Logs at CRITICAL. */
  critical<T>(msg: () => T, ...args: unknown[]): T | undefined;
  /** Logs at CRITICAL. */
  critical<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  critical<T>(msg: Message<T>, ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.CRITICAL, msg, args);
  }

  /** A message as text: errors by their stack, objects by their fields. */
  asString(data: unknown, isProperty = false): string {
    if (typeof data === "string") return isProperty ? `"${data}"` : data;
    if (data instanceof Error) return data.stack ?? String(data);
    if (typeof data === "object" && data !== null) {
      const fields = Object.entries(data).map(([key, value]) =>
        `"${key}":${this.asString(value, true)}`
      );
      return `{${fields.join(",")}}`;
    }
    return typeof data === "function" ? "undefined" : String(data);
  }

  #log<T>(level: LogLevel, msg: Message<T>, args: unknown[]): T | undefined {
    const isLogged = this.#level <= level;
    const value = msg instanceof Function ? (isLogged ? msg() : undefined) : msg;
    if (isLogged) {
      const record = new LogRecord({
        msg: this.asString(value),
        args,
        level,
        loggerName: this.#loggerName,
      });
      for (const handler of this.handlers) handler.handle(record);
    }
    return value;
  }
}

type Message<T> = (T extends GenericFunction ? never : T) | (() => T);
