/** Worker of the pool whose clients use the built-in handler. */

import { defineWorker } from "../worker/define_worker.ts";
import { serveJobs } from "./serve_jobs.ts";
import type { PoolWorkerArgs } from "./worker_args.ts";

defineWorker((args: PoolWorkerArgs, { signal }) => serveJobs(args, undefined, signal));
