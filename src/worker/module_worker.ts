import { errorMessage } from "../base/errors.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { bootstrap } from "./bootstrap.ts";
import { type FromWorker, type ToWorker, WORKER_NAME_PREFIX } from "./messages.ts";
import type { SpawnOptions } from "./worker_process.ts";

/** Options of a {@linkcode ModuleWorker}. */
export interface ModuleWorkerOptions {
  /** Name of the worker. */
  readonly name: string;
  /** Name of the lock that the worker holds until it ends. `undefined`: none. */
  readonly lifeline: string | undefined;
  /** Permissions of the worker. `undefined`: those of the program. */
  readonly permissions?: SpawnOptions["permissions"];
  /** Receives the worker's messages. */
  readonly onMessage: (message: FromWorker) => void;
  /** Receives the text of an error that nothing in the worker has caught. */
  readonly onError: (text: string) => void;
}

/** Worker that imports a module, and tells when the import has settled. */
export class ModuleWorker {
  readonly #module: URL;
  readonly #options: ModuleWorkerOptions;
  /** URL of the first module, until that runs. */
  #bootstrap: string | undefined;
  #worker: Worker;

  /** Starts the worker. */
  constructor(module: URL, options: ModuleWorkerOptions) {
    this.#module = module;
    this.#options = options;
    const code = bootstrap(module, options.lifeline);
    this.#bootstrap = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    this.#worker = this.#start(this.#bootstrap);
  }

  /** Sends a message. */
  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Ends the worker. */
  terminate(): void {
    this.#forgetBootstrap();
    this.#worker.terminate();
  }

  #start(url: string | URL): Worker {
    const { name, permissions, onMessage, onError } = this.#options;
    const worker = runtime.workers.start(url, {
      type: "module",
      name: `${WORKER_NAME_PREFIX}${name}`,
      ...(permissions && { deno: { permissions } }),
    });
    worker.addEventListener("message", ({ data }) => {
      if (data?.fedlab === "loading") this.#forgetBootstrap();
      onMessage(data);
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      // A web page may allow no worker of a module that is text.
      if (this.#forgetBootstrap()) this.#worker = this.#start(this.#module);
      else onError(errorMessage(new Error(stripAnsiCode(event.message))));
    });
    worker.addEventListener("messageerror", () => onError("a message of it cannot be read"));
    return worker;
  }

  /** Gives the first module's URL up; returns `false` if that was done before. */
  #forgetBootstrap(): boolean {
    const url = this.#bootstrap;
    if (url !== undefined) URL.revokeObjectURL(url);
    this.#bootstrap = undefined;
    return url !== undefined;
  }
}

/** Removes the colours that Deno gives some messages. */
export function stripAnsiCode(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\x1b\[[0-9;]*m/g, "");
}
