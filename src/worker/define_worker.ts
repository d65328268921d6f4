import { errorMessage } from "../base/errors.ts";
import { type FromWorker, type ToWorker, WORKER_NAME_PREFIX } from "./messages.ts";
import { isPiped, type Link, pipeLink } from "./pipe.ts";
import { recordThrown, reviveThrown } from "./thrown.ts";

/** Second argument of a worker's main function. */
export interface WorkerContext {
  /** Signal that is aborted when the program asks the worker to end. */
  readonly signal: AbortSignal;
  /** Sends the program a message, of values that can be cloned, with the objects to transfer. */
  post(message: unknown, transfer?: Transferable[]): void;
}

/** Main function of a worker. */
export type WorkerMain<Args, Result> = (
  args: Args,
  context: WorkerContext,
) => Promise<Result> | Result;

/** Parts of a worker's global scope that are used here. */
interface WorkerScope {
  readonly name?: string;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToWorker>) => void): void;
}

let isDefined = false;

/**
 * Defines the main function of a module that `spawn()` runs. Call it once, at the module's end: the
 * module must have called it when its import has settled, and `import.meta.main` is false there.
 *
 * The worker ends when `main` has returned, whatever else is still open in it. An uncaught error in
 * the worker ends it too.
 *
 * Outside a worker that `spawn()` started, and outside a process of the command `client --module`,
 * it does nothing, so that the module can be imported.
 *
 * @param main Receives the arguments of `spawn()`. `join()` returns its result, or rejects with
 * what it throws.
 *
 * @throws {Error} If it is called twice.
 *
 * @example
 * ```ts
 * import { defineWorker } from "@fedlab/core/worker";
 *
 * defineWorker((args: { from: number; to: number }, { signal }) => {
 *   let sum = 0;
 *   for (let i = args.from; i <= args.to && !signal.aborted; i++) sum += i;
 *   return sum;
 * });
 * ```
 */
export function defineWorker<Args, Result>(main: WorkerMain<Args, Result>): void {
  const found = workerLink() ?? (isPiped() ? pipeLink() : undefined);
  if (found === undefined) return;
  const link: Link = found;
  if (isDefined) {
    throw new Error("Cannot define the worker: expected one call of defineWorker(), got two");
  }
  isDefined = true;
  const controller = new AbortController();
  const fail = (thrown: unknown) => {
    link.post({ fedlab: "failed", thrown: recordThrown(thrown) });
    link.end(1);
  };

  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error);
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  link.listen((message) => {
    if (message?.fedlab === "abort") controller.abort(reviveThrown(message.reason));
    if (message?.fedlab === "start") run(message.args as Args);
  });

  async function run(args: Args): Promise<void> {
    try {
      finish(
        await main(args, {
          signal: controller.signal,
          post: (message, transfer) => link.post({ fedlab: "message", message }, transfer),
        }),
      );
    } catch (error) {
      fail(error);
    }
  }

  function finish(result: Result): void {
    try {
      link.post({ fedlab: "done", result });
    } catch (error) {
      throw new TypeError(
        `Cannot return the worker's result: it cannot be cloned: ${errorMessage(error)}`,
        { cause: error },
      );
    }
    link.end(0);
  }

  link.post({ fedlab: "ready" });
}

/**
 * Returns the link of a worker that `spawn()` started, or `undefined` elsewhere. The program ends
 * the worker: a worker that closed itself might be gone before its last message is read.
 */
function workerLink(): Link | undefined {
  const scope = globalThis as unknown as WorkerScope;
  if (!scope.name?.startsWith(WORKER_NAME_PREFIX)) return undefined;
  return {
    post: (message, transfer) => scope.postMessage(message, transfer),
    listen: (take) => scope.addEventListener("message", ({ data }) => take(data)),
    end() {},
  };
}
