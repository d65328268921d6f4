import { dataFolder } from "../../data/catalog/data_folder.ts";
import { runMachine } from "../../cluster/machine.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { clusterFrom } from "../run/cluster.ts";

/** `worker`: a machine of a cluster. */
export function workerCommand({ signal }: CommandContext): Command {
  return makeCommand("worker", {
    description: "Does jobs of the simulations of a cluster, until it is stopped.",
    example: "deno task worker --cluster nats://10.0.0.5:4222",
  }).action((flags: Flags<"worker">) => runWorker(flags, signal));
}

async function runWorker(flags: Flags<"worker">, signal: AbortSignal): Promise<void> {
  const { threads, machineName, cacheDir, allowModules: allowsModules } = flags;
  const { strictDeterminism: isStrict } = flags;
  const cluster = await clusterFrom(flags);
  if (cluster === undefined) return;
  printError(`Waiting for runs of the cluster at ${cluster.url}`);
  await runMachine({
    ...cluster,
    ...(threads !== undefined && { threads }),
    ...(machineName !== undefined && { name: machineName }),
    isStrict,
    allowsModules,
    cacheFolder: cacheDir ?? defaultFolder(),
    signal,
  });
}

function defaultFolder(): string | undefined {
  try {
    return `${dataFolder()}/cluster`;
  } catch {
    return undefined;
  }
}
