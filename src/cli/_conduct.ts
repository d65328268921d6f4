import type { RunReport } from "../server/report.ts";
import type { ServerBackendHandler } from "../server/handler.ts";
import { type RunFolder, toJson, writeRun } from "./_run_folder.ts";
import { print, roundTable, runSummary } from "./_terminal.ts";

/** What runs and can report: a server, or a simulation. */
export interface Reporting {
  readonly handler: ServerBackendHandler;
  report(): Promise<RunReport>;
}

/** What a command's run writes. */
export interface RunOutput {
  /** The run's folder. */
  folder: RunFolder;
  /** The report's file that was asked for. */
  json?: string;
}

/**
 * Runs a server or a simulation to its end, then shows and writes what came of it. A run that is stopped or fails after its first round leaves the same files
 * behind before the error goes on.
 */
export async function conduct(
  topology: Reporting,
  run: () => Promise<RunReport>,
  output: RunOutput,
): Promise<void> {
  let failure: { error: unknown } | undefined;
  const report = await run().catch((error) => {
    failure = { error };
    return topology.report();
  });
  if (failure !== undefined && report.rounds.length === 0) throw failure.error;
  print(roundTable(report));
  print(runSummary(report));
  const { folder, json } = output;
  if (json !== undefined) await Deno.writeTextFile(json, toJson(report));
  await writeRun(folder, report, topology.handler);
  if (json !== undefined) folder.files.push(json);
  print(`written: ${folder.files.join(", ")}`);
  if (failure !== undefined) throw failure.error;
}
