/** Worker of the pool with the built-in handler, which warms up until it is started. */

import { defineWorker } from "../worker/define_worker.ts";
import { serveJobs } from "./serve_jobs.ts";
import { warmUp } from "./warm_up.ts";
import type { PoolWorkerArgs } from "./worker_args.ts";

const started = new AbortController();
defineWorker((args: PoolWorkerArgs, { signal }) => {
  started.abort();
  return serveJobs(args, undefined, signal);
});
warmUp(started.signal).catch(() => {}); // The first job says what fails.
