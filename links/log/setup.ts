import { state } from "./_state.ts";
import { ConsoleHandler } from "./console_handler.ts";
import { type LogConfig, Logger } from "./logger.ts";

/**
 * Replaces all loggers and handlers by the given ones: the handlers there were are destroyed, so a library never calls it.
 *
 * A logger and a handler named `default`, INFO to the console, are there unless the configuration has its own.
 */
export function setup(config: LogConfig): void {
  const handlers = { default: new ConsoleHandler("INFO"), ...config.handlers };
  const loggers = { default: { level: "INFO" as const, handlers: ["default"] }, ...config.loggers };
  for (const handler of state.handlers.values()) handler.destroy();
  state.handlers.clear();
  state.loggers.clear();
  for (const [name, handler] of Object.entries(handlers)) {
    handler.setup();
    state.handlers.set(name, handler);
  }
  for (const [name, { level = "INFO", handlers = [] }] of Object.entries(loggers)) {
    const known = handlers.map((name) => state.handlers.get(name)).filter((it) => it !== undefined);
    state.loggers.set(name, new Logger(name, level, { handlers: known }));
  }
}

setup({});
