import { isDeno } from "../base/runtime/runtime.ts";
import { recordThrown } from "./thrown.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** First argument of a module that the command `client` runs in a process of its own. */
export const PROCESS_ARGUMENT = "fedlab:process";

/**
 * What a message begins with on standard output, which a module may print to as well (RFC 7464).
 */
export const MESSAGE_MARK = "\x1e";

/** How long a process whose program is gone may take to leave its server. */
const LEAVING_MILLIS = 5_000;

/** What a module's code and the program that started it say to each other. */
export interface Link {
  /** Sends a message to the program. */
  post(message: FromWorker, transfer?: Transferable[]): void;
  /** Takes the program's messages from now on. */
  listen(take: (message: ToWorker) => void): void;
  /** Called when the work is done or has failed. */
  end(exitCode: 0 | 1): void;
}

/**
 * Whether this module is a process that the command `client` started. A worker inside it is not.
 */
export function isPiped(): boolean {
  return isDeno() && !("postMessage" in globalThis) && Deno.args?.[0] === PROCESS_ARGUMENT;
}

/**
 * The link over standard input and output, a line of JSON each message. When the program is gone,
 * however it ended, standard input ends: then this process is asked to end as well, and ends itself
 * if it does not.
 */
export function pipeLink(): Link {
  const write = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
    } catch {
      Deno.exit(1); // nobody reads it any more
    }
  };
  return {
    post: (message) => write(`${MESSAGE_MARK}${JSON.stringify(message, plain)}\n`),
    listen(take) {
      const stop = (why: string) =>
        take({ fedlab: "abort", reason: recordThrown(new DOMException(why, "AbortError")) });
      // A terminal's Ctrl-C reaches both; the program decides, and this process leaves its server
      // in peace.
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        if (Deno.build.os === "windows" && signal === "SIGTERM") continue;
        Deno.addSignalListener(signal, () => stop("stopped"));
      }
      readLines(take).catch(() => {}).finally(() => {
        setTimeout(() => Deno.exit(1), LEAVING_MILLIS);
        stop("the command that started this client is gone");
      });
    },
    end: (exitCode) => Deno.exit(exitCode),
  };
}

/** JSON has no big integers; nothing else that is posted here is lost in it. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}

async function readLines(take: (message: ToWorker) => void): Promise<void> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(JSON.parse(line));
  }
}
