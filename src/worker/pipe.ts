import { isDeno, runtime } from "../base/runtime/runtime.ts";
import { recordThrown } from "./thrown.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** First argument of a module that the command `client` runs in a process. */
export const PROCESS_ARGUMENT = "fedlab:process";

/** First character of a message on standard output, to which a module may print too (RFC 7464). */
export const MESSAGE_MARK = "\x1e";

/** Time that a process whose program is gone has to leave its server. */
const LEAVING_MILLIS = 5_000;

/** Messages between a module and the program that started it. */
export interface Link {
  /** Sends a message to the program. */
  post(message: FromWorker, transfer?: Transferable[]): void;
  /** Calls `take` with each further message of the program. */
  listen(take: (message: ToWorker) => void): void;
  /** Ends the module, whose work is done or has failed. */
  end(exitCode: 0 | 1): void;
}

/** Reports whether this is a process that the command `client` started; a worker in it is not. */
export function isPiped(): boolean {
  return isDeno() && !("postMessage" in globalThis) &&
    runtime.process.args?.[0] === PROCESS_ARGUMENT;
}

/**
 * Creates the link over standard input and output, on which each message is a line of JSON.
 * Standard input ends when the program is gone, however it ended. Then this process is asked to
 * end, and exits after a while if it has not.
 */
export function pipeLink(): Link {
  const write = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length;) {
        at += runtime.process.stdout.writeSync(bytes.subarray(at));
      }
    } catch {
      runtime.process.exit(1); // the program is gone
    }
  };
  return {
    post: (message) => write(`${MESSAGE_MARK}${JSON.stringify(message, plain)}\n`),
    listen(take) {
      const stop = (why: string) =>
        take({ fedlab: "abort", reason: recordThrown(new DOMException(why, "AbortError")) });
      // A terminal's Ctrl-C reaches both processes. The program decides when to exit, so that this
      // process has time to leave its server.
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        if (runtime.process.os === "windows" && signal === "SIGTERM") continue;
        runtime.process.addSignalListener(signal, () => stop("stopped"));
      }
      readLines(take).catch(() => {}).finally(() => {
        runtime.timers.setTimeout(() => runtime.process.exit(1), LEAVING_MILLIS);
        stop("the command that started this client is gone");
      });
    },
    end: (exitCode) => runtime.process.exit(exitCode),
  };
}

/** Writes big integers as text, since JSON has none. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}

async function readLines(take: (message: ToWorker) => void): Promise<void> {
  let rest = "";
  for await (const text of runtime.process.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(JSON.parse(line));
  }
}
