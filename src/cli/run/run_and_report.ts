import type { BestModel } from "../../round/record/best_tracker.ts";
import type { RunReport } from "../../round/report/report.ts";
import type { ServerBackendHandler } from "../../round/handler/server_backend_handler.ts";
import { printerBeside } from "../output/write_output.ts";
import { messageWithFlag } from "../options/permissions.ts";
import { type RunFolder, type RunOutputs, writeRun } from "./run_folder.ts";
import type { Curves } from "../output/tensorboard.ts";
import { printError } from "../output/terminal.ts";

/** A server or simulation run. */
export interface Reporting {
  readonly handler: ServerBackendHandler;
  /** Model of the best round, where it is kept. */
  readonly best: BestModel | undefined;
  report(): Promise<RunReport>;
}

/** Outputs of a command's run. */
export interface RunOutput extends Pick<RunOutputs, "json" | "csv"> {
  /** The run's folder. */
  folder: RunFolder;
  /** TensorBoard curves, which are written during the run. */
  curves?: Pick<Curves, "failure">;
}

/**
 * Runs a server or a simulation to its end, then writes and prints its results. A run that is
 * stopped or fails after its first round writes them too, before the error is thrown. A file that
 * cannot be written is an error, but the other files are written all the same.
 */
export async function runAndReport(
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
  const { handler, best } = topology;
  failures.push(
    ...await writeRun(folder, report, {
      handler,
      best,
      ...(json !== undefined && { json }),
      ...(csv !== undefined && { csv }),
    }),
  );
  if (curves?.failure) failures.push(curves.failure);
  const show = printerBeside(json, csv);
  const { clientTable } = await import("../output/client_table.ts");
  const { roundTable, runSummary } = await import("../output/run_summary.ts");
  show(roundTable(report));
  const ofClients = clientTable(report);
  if (ofClients !== undefined) show(ofClients);
  show(runSummary(report, { hasBest: best !== undefined }));
  show(`written: ${folder.files.join(", ")}`);
  const [first, ...others] = failures;
  for (const error of others) printError(`error: ${messageWithFlag(error)}`);
  if (first !== undefined) throw first;
}
