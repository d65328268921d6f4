import { runtime } from "../../base/runtime/runtime.ts";
import { runMachine } from "../../cluster/machine.ts";
import type { CommandContext } from "../context.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { NatsProcess } from "./nats_process.ts";

/** Machines of the demo. */
const MACHINES = 2;

/** Trains on the bundled digits on a cluster: a server, two machines and a coordinator. */
export async function runClusterDemo(
  flags: Flags<"demo">,
  { signal, ...context }: CommandContext,
): Promise<void> {
  const { simulateCommand } = await import("../commands/simulate.ts");
  const folder = `runs/.nats-${runtime.random.randomUUID()}`;
  await using server = flags.cluster === true ? await NatsProcess.start(folder) : undefined;
  const url = server?.url ?? `${flags.cluster}`;
  const stop = new AbortController(), ending = AbortSignal.any([signal, stop.signal]);
  printError(`NATS server: ${url}${server ? `, of ${server.program}, until the demo ends` : ""}`);
  printError(`${MACHINES} machines in this process; more: deno task worker --cluster ${url}`);
  printError(`Watch the run: deno task runs follow --cluster ${url}`);
  const machines = Array.from(
    { length: MACHINES },
    (_, i) => runMachine({ url, name: `demo ${i + 1}`, threads: 1, signal: ending }),
  );
  const failed = Promise.all(machines).then(() => new Promise<never>(() => {}));
  try {
    const training = simulateCommand({ signal, ...context }).parseAsync(
      ["--cluster", url, "--fraction", "1", ...argumentsOf(flags)],
      { from: "user" },
    );
    await Promise.race([training, failed]);
  } finally {
    stop.abort();
    await Promise.allSettled(machines);
  }
}

/** Returns the options of a demo that a simulation has too. */
function argumentsOf(flags: Flags<"demo">): string[] {
  const { clients, rounds, seed, model, partition, strategy, json, out, dashboard } = flags;
  const given = { clients, rounds, seed, model, partition, strategy, json, out, dashboard };
  return Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : value === true ? [`--${name}`] : [`--${name}`, `${value}`]
  );
}
