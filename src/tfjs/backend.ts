import { errorMessage } from "../base/errors.ts";
import { installCpuKernels } from "./kernels/cpu.ts";
import { installTrainingKernels } from "./kernels/mod.ts";
import type { BackendChoice } from "../train/engine_choice.ts";
import { tf, wasmBackendVersion } from "./deps.ts";

/** The part of a logger that this room writes to; a `Logger` of `@std/log` is one. */
export interface BackendLogger {
  /** Takes one line. */
  warn(message: string): unknown;
}

/**
 * Starts tfjs's backend and makes sure that it is the one that runs. There is one a process: every handler of a process (or
 * worker) shares it.
 *
 * The WASM backend needs `--allow-read` for its own file in the npm cache; the cpu backend needs no permission.
 *
 * Rejects with an `Error` when `"wasm"` was asked for and does not start; `"auto"` then logs a warning and takes cpu.
 */
export async function startBackend(
  choice: BackendChoice = "auto",
  logger?: BackendLogger,
): Promise<"wasm" | "cpu"> {
  if (choice !== "auto" && choice !== "wasm" && choice !== "cpu") {
    throw new RangeError(
      `Cannot start tfjs: expected backend auto, wasm or cpu, got ${JSON.stringify(choice)}`,
    );
  }
  if (choice !== "cpu") {
    const failure = await startWasm();
    if (failure === undefined) return "wasm";
    const report =
      `Cannot start tfjs's WASM backend ${wasmBackendVersion}, which needs --allow-read ` +
      `for the npm cache: ${failure}`;
    if (choice === "wasm") throw new Error(report);
    logger?.warn(`${report}; going on with the slow cpu backend`);
  }
  await startCpu();
  return "cpu";
}

/** Gives the reason when WASM does not run afterwards. */
async function startWasm(): Promise<string | undefined> {
  if (isRunning("wasm")) return undefined;
  try {
    await tf.setBackend("wasm");
  } catch (error) {
    return errorMessage(error);
  }
  if (!isRunning("wasm")) return "tfjs could not load it";
  installTrainingKernels();
  return undefined;
}

async function startCpu(): Promise<void> {
  if (isRunning("cpu")) return;
  await tf.setBackend("cpu");
  if (!isRunning("cpu")) throw new Error("Cannot start tfjs's cpu backend: tfjs could not load it");
  installCpuKernels();
  // It greets with advice to install a Node addon, which Deno has no use for.
  Object.assign(tf.backend(), { firstUse: false });
}

/** tfjs goes on naming a backend that failed to start, so the name alone is no proof. */
function isRunning(name: "wasm" | "cpu"): boolean {
  return tf.getBackend() === name && Object.hasOwn(tf.engine().registry, name);
}
