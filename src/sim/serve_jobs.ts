import { runtime } from "../base/runtime/runtime.ts";
import { useKernelBuild } from "../params/kernels.ts";
import type { MakeClientHandler } from "./define_client.ts";
import type { JobOutcome } from "./client_pool.ts";
import { JobQueue } from "./job_queue.ts";
import { JobRunner } from "./job_runner.ts";
import { dataOf, type PoolWorkerArgs, rowsReader } from "./worker_args.ts";

/** Time that a worker waits for a job before it looks for messages of the program. */
const WAIT_MILLIS = 200;

/**
 * Does jobs of the queue until there are no more: the main function of a pool's worker.
 *
 * @param makeHandler Makes the handlers. Default: the built-in one.
 */
export async function serveJobs(
  args: PoolWorkerArgs,
  makeHandler: MakeClientHandler | undefined,
  signal: AbortSignal,
): Promise<void> {
  useKernelBuild(args.build);
  const queue = new JobQueue(args.queue);
  await using runner = await createRunner(args, makeHandler);
  while (!queue.hasStopped) {
    const number = queue.take();
    if (number !== undefined) {
      queue.finish(number, await runJob(queue, runner, number, signal));
    } else if (!queue.waitForJob(WAIT_MILLIS)) {
      await new Promise<void>((resolve) => runtime.timers.setTimeout(resolve));
      signal.throwIfAborted();
    }
  }
}

/** Does the job of a number on this thread. */
export async function runJob(
  queue: JobQueue,
  runner: JobRunner,
  number: number,
  signal: AbortSignal | undefined,
): Promise<JobOutcome> {
  const job = queue.job(number);
  const input = job.kind === "join" ? undefined : queue.input.read();
  return await runner.run(job, input, queue.own(number), signal);
}

/** Creates the runner of a thread, which reads the shared data. */
export async function createRunner(
  args: PoolWorkerArgs,
  makeHandler: MakeClientHandler | undefined,
): Promise<JobRunner> {
  const { parts, testParts, train, test } = args;
  return await JobRunner.create({
    ...args,
    makeHandler,
    train: train && dataOf(train),
    test: test && dataOf(test),
    rowsOf: parts && rowsReader(parts),
    testRowsOf: testParts && rowsReader(testParts),
  });
}
