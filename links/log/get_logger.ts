import { state } from "./_state.ts";
import { Logger } from "./logger.ts";

/**
 * The logger of the given name, or the one named `default`.
 *
 * A name that `setup()` was not told of gives a logger without handlers, which is silent.
 */
export function getLogger(name?: string): Logger {
  const known = state.loggers.get(name || "default");
  if (known !== undefined) return known;
  if (!name) throw new Error(`"default" logger must be set for getting logger without name`);
  const logger = new Logger(name, "NOTSET");
  state.loggers.set(name, logger);
  return logger;
}
