import type { CommandContext } from "./context.ts";
import type { Command } from "./deps.ts";
import type { CommandName } from "./options/option.ts";

/** The commands, in the order of the help. Each is loaded with what it needs. */
const COMMANDS: Readonly<Record<CommandName, () => Promise<MakeCommand>>> = {
  demo: async () => (await import("./commands/demo.ts")).demoCommand,
  server: async () => (await import("./commands/server.ts")).serverCommand,
  client: async () => (await import("./commands/client.ts")).clientCommand,
  simulate: async () => (await import("./commands/simulate.ts")).simulateCommand,
  worker: async () => (await import("./commands/worker.ts")).workerCommand,
  reproduce: async () => (await import("./commands/reproduce.ts")).reproduceCommand,
  partition: async () => (await import("./commands/partition.ts")).partitionCommand,
  schema: async () => (await import("./commands/schema.ts")).schemaCommand,
  stats: async () => (await import("./commands/stats.ts")).statsCommand,
  plot: async () => (await import("./commands/plot.ts")).plotCommand,
  keygen: async () => (await import("./commands/keygen.ts")).keygenCommand,
  predict: async () => (await import("./commands/predict.ts")).predictCommand,
  evaluate: async () => (await import("./commands/evaluate.ts")).evaluateCommand,
  export: async () => (await import("./commands/export.ts")).exportCommand,
  generate: async () => (await import("./commands/generate.ts")).generateCommand,
  new: async () => (await import("./commands/new.ts")).newCommand,
  dashboard: async () => (await import("./commands/dashboard.ts")).dashboardCommand,
  "cluster-config": async () => (await import("./commands/cluster_config.ts")).clusterConfigCommand,
  runs: async () => (await import("./commands/runs.ts")).runsCommand,
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand,
  completions: async () => (await import("./commands/completions.ts")).completionsCommand,
};

/** Makes a command. */
export type MakeCommand = (context: CommandContext) => Command;

/** Loads the command that the first argument names; all of them where it names none. */
export async function commandsFor([name = ""]: readonly string[]): Promise<MakeCommand[]> {
  const named = Object.hasOwn(COMMANDS, name) ? [COMMANDS[name as CommandName]] : [];
  const loaders = named.length > 0 ? named : Object.values(COMMANDS);
  return await Promise.all(loaders.map((load) => load()));
}
