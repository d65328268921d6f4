import { runtime } from "../base/runtime/runtime.ts";

/** Time that an attempt has after its signal's abort to end by itself, in milliseconds. */
const GRACE_MILLIS = 50;

/**
 * Connects a TCP socket that sends small writes at once.
 *
 * An attempt that is aborted may still end by itself for a moment, and is then closed here: Deno
 * loses a socket without closing it when the attempt is cancelled at the time at which it succeeds.
 *
 * Rejects with the error of `Deno.connect`, or with the signal's reason.
 */
export async function openSocket(
  { hostname, port }: { hostname: string; port: number },
  signal: AbortSignal | undefined,
): Promise<Deno.TcpConn> {
  signal?.throwIfAborted();
  const cancel = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Both timers may be due in one turn, so the second one waits for a turn that looks at sockets.
  const stop = () =>
    timer = runtime.timers.setTimeout(() => {
      timer = runtime.timers.setTimeout(() => cancel.abort(), 1);
    }, GRACE_MILLIS);
  signal?.addEventListener("abort", stop, { once: true });
  let connection: Deno.TcpConn | undefined;
  try {
    connection = await Deno.connect({ hostname, port, signal: cancel.signal });
    signal?.throwIfAborted();
    connection.setNoDelay(true);
    return connection;
  } catch (cause) {
    connection?.close();
    signal?.throwIfAborted();
    throw cause;
  } finally {
    runtime.timers.clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}
