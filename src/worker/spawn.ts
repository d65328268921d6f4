import { WorkerRun } from "./worker_run.ts";
import type { SpawnOptions, WorkerProcess } from "./worker_process.ts";

/**
 * Prepares a module to run in a Web Worker of its own. The module ends with `defineWorker(main)`.
 * Arguments, messages and the result are cloned as `postMessage()` does.
 *
 * A module in a file needs the permission `--allow-read` for that file, a module from the network
 * `--allow-import`.
 *
 * @param moduleUrl Absolute URL of the module.
 * @param args Arguments of the module's main function.
 * @returns The worker, which `start()` starts.
 *
 * @throws {TypeError} If the URL is not absolute.
 *
 * @example
 * ```ts ignore
 * import { spawn } from "@fedlab/core/worker";
 *
 * await using worker = spawn<{ from: number; to: number }, number>(
 *   new URL("./sum.ts", import.meta.url),
 *   { from: 1, to: 100 },
 * );
 * worker.start();
 * console.log(await worker.join());
 * ```
 */
export function spawn<Args, Result>(
  moduleUrl: string | URL,
  args: Args,
  options: SpawnOptions = {},
): WorkerProcess<Result> {
  const url = URL.parse(moduleUrl);
  if (url === null) {
    throw new TypeError(
      `Cannot spawn a worker: expected an absolute URL such as new URL("./x.ts", import.meta.url), got ${moduleUrl}`,
    );
  }
  return new WorkerRun<Result>(url, options, args);
}
