import { runtime } from "../base/runtime/runtime.ts";
import { useKernelBuild } from "../params/kernels.ts";
import type { MakeClientHandler } from "./define_client.ts";
import { JobQueue } from "./job_queue.ts";
import { JobRunner } from "./job_runner.ts";
import { datasetOf, type PoolWorkerArgs, rowsReader } from "./worker_args.ts";

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
  const { build, parts, testParts, train, test } = args;
  useKernelBuild(build);
  const queue = new JobQueue(args.queue);
  await using runner = await JobRunner.create({
    ...args,
    makeHandler,
    train: train && datasetOf(train),
    test: test && datasetOf(test),
    rowsOf: parts && rowsReader(parts),
    testRowsOf: testParts && rowsReader(testParts),
  });
  for (let number = queue.takeNumber();; number = queue.takeNumber()) {
    let slot: number | undefined;
    while ((slot = queue.slotOf(number, WAIT_MILLIS)) === undefined) {
      if (queue.hasStopped) return;
      await new Promise<void>((resolve) => runtime.timers.setTimeout(resolve));
      signal.throwIfAborted();
    }
    const job = queue.job(slot);
    const input = job.kind === "join" ? undefined : queue.input;
    queue.finish(slot, await runner.run(job, input, queue.own(slot), signal));
  }
}
