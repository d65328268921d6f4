/**
 * Loggers with levels and handlers: a small edition of `@std/log`, with the same names and behaviour.
 *
 * ```ts
 * import { ConsoleHandler, getLogger, setup } from "@std/log";
 *
 * setup({
 *   handlers: { console: new ConsoleHandler("DEBUG") },
 *   loggers: { app: { level: "DEBUG", handlers: ["console"] } },
 * });
 * getLogger("app").info("ready");
 * ```
 *
 * @module
 */

export * from "./base_handler.ts";
export * from "./console_handler.ts";
export * from "./file_handler.ts";
export * from "./get_logger.ts";
export * from "./levels.ts";
export * from "./log_record.ts";
export * from "./logger.ts";
export * from "./setup.ts";
