import { errorMessage } from "../base/errors.ts";
import { holdLifeline } from "./lifeline.ts";
import { type FromWorker, type ToWorker, WORKER_NAME_PREFIX } from "./messages.ts";
import { isPiped, type Link, pipeLink } from "./pipe.ts";
import { recordThrown, reviveThrown } from "./thrown.ts";

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
 * Outside a worker that `spawn()` started, and a process of the command `client --module`, it does
 * nothing, so the module can be imported. Throws an `Error` when it is called twice.
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

  holdLifeline().then((lifeline) => link.post({ fedlab: "ready", lifeline }), fail);
}

/**
 * The link of a worker that `spawn()` started. The program ends it: one that closed itself might be
 * gone before its last word is read.
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
