import type { BackendChoice } from "../train/engine_choice.ts";
import type { BackendLogger } from "./backend.ts";

/**
 * Loads tfjs, starts its backend and checks that it runs. There is one backend for each process or
 * worker, which all its handlers share. A handler that needs tfjs calls this itself.
 *
 * The WASM backend needs `--allow-read` for its own file in the npm cache; the cpu backend needs no
 * permission.
 *
 * @param choice Backend; `"auto"` logs a warning and takes cpu where WASM does not start.
 * @param logger Receives the warning.
 * @throws {Error} If `"wasm"` was asked for and does not start.
 */
export async function startBackend(
  choice: BackendChoice = "auto",
  logger?: BackendLogger,
): Promise<"wasm" | "cpu"> {
  const backend = await import("./backend.ts");
  return await backend.startBackend(choice, logger);
}
