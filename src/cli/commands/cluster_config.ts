import { counted } from "../../display/amounts.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import type { Flags } from "../options/table.ts";
import { print, printError } from "../output/terminal.ts";

/** `cluster-config`: configuration of a cluster's `nats-server`, with keys and certificates. */
export function clusterConfigCommand(_context: CommandContext): Command {
  return makeCommand("cluster-config", {
    description: "Writes a nats.conf for a cluster, keys of its users, and certificates.",
    example: "deno task cluster-config --host nats.example.org,10.0.0.5 --worker-keys 10",
  }).action(runClusterConfig);
}

async function runClusterConfig(flags: Flags<"cluster-config">): Promise<void> {
  const { out, bind, port, store, maxStore, sync, plain = false, serverDir, certDays } = flags;
  const { workerKeys, coordinatorKeys, watcherKeys, host: hosts } = flags;
  // Loads the clients of NATS, which no other command needs.
  const { writeClusterConfig } = await import("../../cluster/config/write_config.ts");
  const { files, users } = await writeClusterConfig({
    ...{ out, host: bind, port, store, maxStore, syncInterval: sync, tls: !plain, hosts },
    days: certDays,
    counts: { worker: workerKeys, coordinator: coordinatorKeys, watcher: watcherKeys },
    ...(serverDir !== undefined && { folder: serverDir }),
  });
  for (const file of files) print(file);
  const [name = ""] = hosts;
  const url = `${plain ? "nats" : "tls"}://${name.includes(":") ? `[${name}]` : name}:${port}`;
  printError(`${counted(users.length, "user")}; address of the cluster: ${url}`);
  if (!plain) {
    printError(`Keep ca.key where nobody else can read it: whoever has it can pose as the server`);
  }
}
