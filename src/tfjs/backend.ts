import { errorMessage } from "../base/errors.ts";
import { installCpuKernels } from "./kernels/cpu.ts";
import { installTrainingKernels } from "./kernels/mod.ts";
import type { BackendChoice } from "../train/engine_choice.ts";
import { tf, wasmBackendVersion } from "./deps.ts";

/** Part of a logger that receives warnings. A `Logger` of `@std/log` fits. */
export interface BackendLogger {
  /** Logs one line. */
  warn(message: string): unknown;
}

/**
 * Starts tfjs's backend and checks that it runs. There is one backend for each process or worker,
 * which all its handlers share.
 *
 * The WASM backend needs `--allow-read` for its own file in the npm cache; the cpu backend needs no
 * permission.
 *
 * @param choice Backend; `"auto"` logs a warning and takes cpu where WASM does not start.
 * @throws {Error} If `"wasm"` was asked for and does not start.
 */
export function startBackend(
  choice: BackendChoice = "auto",
  logger?: BackendLogger,
): Promise<"wasm" | "cpu"> {
  // While one start is under way, tfjs names a backend that is not there yet.
  const started = lastStart.then(() => start(choice, logger));
  lastStart = started.catch(() => {});
  return started;
}

/** End of the last start of a backend. */
let lastStart: Promise<unknown> = Promise.resolve();

async function start(
  choice: BackendChoice,
  logger: BackendLogger | undefined,
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

/** Starts the WASM backend, and returns the reason if it does not run. */
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
  // Suppresses the advice to install a Node addon, which is useless on Deno.
  Object.assign(tf.backend(), { firstUse: false });
}

/**
 * Returns true if a backend runs. tfjs still names a backend that failed to start, so the name
 * alone is no proof.
 */
function isRunning(name: "wasm" | "cpu"): boolean {
  return tf.getBackend() === name && Object.hasOwn(tf.engine().registry, name);
}
