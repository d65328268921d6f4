import { WorkerRun } from "./worker_run.ts";
import type { SpawnOptions, WorkerProcess } from "./worker_process.ts";

/**
 * Prepares a module to run in a Web Worker of its own, as FedLab's topologies are processes. The module ends with
 * `defineWorker(main)`; its result, arguments and messages are cloned as `postMessage()` clones.
 *
 * A module from a file needs `--allow-read` of itself, one from the network `--allow-import`. Throws a `TypeError` when the URL is
 * not absolute.
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
  return new WorkerRun<Result>(url, args, options);
}
