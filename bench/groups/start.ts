/**
 * Start-up time of programs, each in a process of its own with all modules in Deno's cache.
 *
 * @module
 */

import { withProcess } from "../helpers/process.ts";
import { type BenchOptions, type BenchResult, mostResult } from "../result.ts";

const REPETITIONS = 15;
/** Repetitions that only fill Deno's cache. */
const WARM_UP = 2;
const MOST_IMPORT_MILLIS = 100;
const MOST_CLIENT_MILLIS = 400;

/**
 * Measures the import of the main module, and the time until a client registers: of a program of
 * twenty lines, and of the command.
 */
export async function* startBench({ signal }: BenchOptions): AsyncGenerator<BenchResult> {
  const module = new URL("../../mod.ts", import.meta.url);
  const program = new URL("../processes/start_client.ts", import.meta.url);
  const command = new URL("../../src/cli/main.ts", import.meta.url);
  yield startResult("import-mod", MOST_IMPORT_MILLIS, () => runMillis(module, signal));
  yield startResult(
    "client-start",
    MOST_CLIENT_MILLIS,
    () => registrationMillis(program, (address) => [address], signal),
  );
  yield startResult(
    "client-command-start",
    MOST_CLIENT_MILLIS,
    () =>
      registrationMillis(
        command,
        (address) => ["client", "--server", address, "--logger-file", ""],
        signal,
      ),
  );
}

async function startResult(
  name: string,
  most: number,
  measure: () => Promise<number>,
): Promise<BenchResult> {
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + REPETITIONS; i++) {
    const millis = await measure();
    if (i >= WARM_UP) times.push(millis);
  }
  return mostResult(name, times, { unit: "ms", most });
}

/** Measures the milliseconds from the start of a process to its end, Deno's start included. */
async function runMillis(module: URL, signal: AbortSignal): Promise<number> {
  const began = performance.now();
  await withProcess(module, [], { signal }, ({ output }) => output);
  return performance.now() - began;
}

/**
 * Measures the milliseconds from the start of a process to the first bytes that its client sends,
 * the registration.
 */
async function registrationMillis(
  module: URL,
  args: (address: string) => string[],
  signal: AbortSignal,
): Promise<number> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const began = performance.now();
  const client = args(`127.0.0.1:${listener.addr.port}`);
  return await withProcess(module, client, { signal }, async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(1));
    return performance.now() - began;
  });
}
