import type { BackendChoice } from "../train/engine_choice.ts";
import type { BackendLogger } from "./backend.ts";

/**
 * Loads tfjs, starts its backend and makes sure that it is the one that runs. There is one a process: every handler of a process
 * (or worker) shares it. A handler does this by itself when it needs tfjs.
 *
 * The WASM backend needs `--allow-read` for its own file in the npm cache; the cpu backend needs no permission.
 *
 * Rejects with an `Error` when `"wasm"` was asked for and does not start; `"auto"` then logs a warning and takes cpu.
 */
export async function startBackend(
  choice: BackendChoice = "auto",
  logger?: BackendLogger,
): Promise<"wasm" | "cpu"> {
  const backend = await import("./backend.ts");
  return await backend.startBackend(choice, logger);
}
