import type { ThrownRecord } from "./thrown.ts";

/** Prefix of a worker's name, from which the worker knows that `spawn()` started it. */
export const WORKER_NAME_PREFIX = "fedlab:";

/** Message from the program to the worker. */
export type ToWorker =
  | { readonly fedlab: "start"; readonly args: unknown }
  | { readonly fedlab: "abort"; readonly reason: ThrownRecord };

/** Message from the worker to the program. */
export type FromWorker =
  /** Its first module runs. */
  | { readonly fedlab: "loading" }
  /** Its module has called `defineWorker()`. */
  | { readonly fedlab: "ready" }
  /** Its module is loaded. */
  | { readonly fedlab: "loaded" }
  /** Its module cannot be loaded. */
  | { readonly fedlab: "unloaded"; readonly thrown: ThrownRecord }
  | { readonly fedlab: "message"; readonly message: unknown }
  | { readonly fedlab: "done"; readonly result: unknown }
  | { readonly fedlab: "failed"; readonly thrown: ThrownRecord };
