import type { RunReport } from "../../round/report/report.ts";
import type { ServerBackendHandler } from "../../round/handler/server_backend_handler.ts";
import { printerBeside } from "../options/outputs.ts";
import { messageWithFlag } from "../options/permissions.ts";
import { type RunFolder, type RunOutputs, writeRun } from "./run_folder.ts";
import type { Curves } from "../output/tensorboard.ts";
import { printError, roundTable, runSummary } from "../output/terminal.ts";

/** What runs and can report: a server, or a simulation. */
export interface Reporting {
  readonly handler: ServerBackendHandler;
  report(): Promise<RunReport>;
}

/** What a command's run writes. */
export interface RunOutput extends Pick<RunOutputs, "json" | "csv"> {
  /** The run's folder. */
  folder: RunFolder;
  /** The curves that are written as it goes. */
  curves?: Pick<Curves, "failure">;
}

/**
 * Runs a server or a simulation to its end, then writes and shows what came of it. A run that is stopped or fails after its first round leaves the same files
 * behind before the error goes on. A file that cannot be written keeps none of the others from it, and is an error too.
 */
export async function conduct(
  topology: Reporting,
  run: () => Promise<RunReport>,
  { folder, json, csv, curves }: RunOutput,
): Promise<void> {
  const failures: unknown[] = [];
  const report = await run().catch((error) => {
    failures.push(error);
    return topology.report();
  });
  if (failures.length > 0 && report.rounds.length === 0) throw failures[0];
  const { handler } = topology;
  failures.push(
    ...await writeRun(folder, report, {
      handler,
      ...(json !== undefined && { json }),
      ...(csv !== undefined && { csv }),
    }),
  );
  if (curves?.failure) failures.push(curves.failure);
  const show = printerBeside(json, csv);
  show(roundTable(report));
  show(runSummary(report));
  show(`written: ${folder.files.join(", ")}`);
  const [first, ...others] = failures;
  for (const error of others) printError(`error: ${messageWithFlag(error)}`);
  if (first !== undefined) throw first;
}
