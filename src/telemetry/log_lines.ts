import type { LogOptions } from "../base/log/log.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { type Context, context } from "./deps.ts";

/** Variable of Deno that says what becomes of the console's lines. */
const VARIABLE = "OTEL_DENO_CONSOLE";

/**
 * Makes the function that exports the lines of a log, each in the context of its trace.
 *
 * Deno exports what is written to its console. `OTEL_DENO_CONSOLE=replace` is needed for it: the
 * console would print the lines a second time otherwise, to standard output, which is for results.
 *
 * @param current Returns the context of a line; `undefined` for one that is not exported.
 */
export function lineExporter(current: () => Context | undefined): LogOptions["onLine"] {
  const { state } = runtime.process.permissions.querySync({ name: "env", variable: VARIABLE });
  if (state !== "granted" || runtime.process.env.get(VARIABLE) !== "replace") return undefined;
  const { console } = globalThis;
  const severities = {
    DEBUG: console.debug,
    INFO: console.info,
    WARN: console.warn,
    ERROR: console.error,
    CRITICAL: console.error,
  };
  return (level, line) => {
    const place = current();
    if (place !== undefined) context.with(place, () => severities[level].call(console, "%s", line));
  };
}
