/**
 * Speed of messages and of whole rounds over loopback, between two processes.
 *
 * @module
 */

import { roundBench } from "./round.ts";
import { tcpBench } from "./tcp.ts";
import { websocketBench } from "./websocket.ts";
import type { BenchOptions, BenchResult } from "../result.ts";

/**
 * Measures round trips of parameter updates of 100 MB and 1 MB, over TCP and WebSockets, and rounds
 * of 10 to 1,000 clients.
 */
export async function* netBench(options: BenchOptions): AsyncGenerator<BenchResult> {
  yield tcpBench(
    { name: "tcp-100MB", length: 25_000_000, repetitions: 40, target: 0.85 },
    options,
  );
  yield tcpBench({ name: "tcp-1MB", length: 250_000, repetitions: 1000, target: 0.6 }, options);
  yield websocketBench(
    { name: "websocket-100MB", length: 25_000_000, repetitions: 20, target: 0.7 },
    options,
  );
  yield* roundBench(options);
}
