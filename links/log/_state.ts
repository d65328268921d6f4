import type { BaseHandler } from "./base_handler.ts";
import type { Logger } from "./logger.ts";

/** What `setup()` made and `getLogger()` finds, of this module's instance, so of one thread. */
export const state: { handlers: Map<string, BaseHandler>; loggers: Map<string, Logger> } = {
  handlers: new Map(),
  loggers: new Map(),
};
