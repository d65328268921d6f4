import { errorMessage } from "../errors.ts";
import { holdLifeline } from "./_lifeline.ts";
import { type FromWorker, type ToWorker, WORKER_NAME_PREFIX } from "./_messages.ts";
import { recordThrown, reviveThrown } from "./_thrown.ts";

/** What the main function of a worker is given beside its arguments. */
export interface WorkerContext {
  /** Aborted when the program asks the worker to end. */
  readonly signal: AbortSignal;
  /** Sends a message to the program: what can be cloned, with the parts to transfer. */
  post(message: unknown, transfer?: Transferable[]): void;
}

/** The main function of a worker. */
export type WorkerMain<Args, Result> = (
  args: Args,
  context: WorkerContext,
) => Promise<Result> | Result;

/** The parts of a worker's global scope that are used here. */
interface WorkerScope {
  readonly name?: string;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToWorker>) => void): void;
}

let isDefined = false;

/**
 * Says what the module does when `spawn()` runs it: call it once, at the module's end.
 *
 * `main` gets the arguments of `spawn()`; what it returns or throws is what `join()` gives. An error that nothing in the worker
 * catches ends it too. When `main` has returned the worker ends, whatever else is still open in it.
 *
 * Outside a worker that `spawn()` started it does nothing, so the module can be imported. Throws an `Error` when it is called twice.
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
  const scope = globalThis as unknown as WorkerScope;
  if (!scope.name?.startsWith(WORKER_NAME_PREFIX)) return;
  if (isDefined) {
    throw new Error("Cannot define the worker: expected one call of defineWorker(), got two");
  }
  isDefined = true;
  const controller = new AbortController();
  const fail = (thrown: unknown) =>
    scope.postMessage({ fedlab: "failed", thrown: recordThrown(thrown) });

  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error);
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  scope.addEventListener("message", ({ data }) => {
    if (data?.fedlab === "abort") controller.abort(reviveThrown(data.reason));
    if (data?.fedlab === "start") run(data.args as Args);
  });

  async function run(args: Args): Promise<void> {
    try {
      finish(
        await main(args, {
          signal: controller.signal,
          post: (message, transfer) => scope.postMessage({ fedlab: "message", message }, transfer),
        }),
      );
    } catch (error) {
      fail(error);
    }
  }

  /** Leaves it to the program to end the worker: one that closed itself might be gone before this is read. */
  function finish(result: Result): void {
    try {
      scope.postMessage({ fedlab: "done", result });
    } catch (error) {
      throw new TypeError(
        `Cannot return the worker's result: it cannot be cloned: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }

  holdLifeline().then((lifeline) => scope.postMessage({ fedlab: "ready", lifeline }), fail);
}
