import { basename } from "node:path";
import { errorMessage } from "../../base/errors.ts";
import { isRecord } from "../../base/json.ts";
import { oneLine } from "../../base/printable.ts";
import { readBytes } from "../../data/file.ts";
import type { RoundReport } from "../../round/report/report.ts";
import { isOwnFile } from "../dashboard/run_files.ts";
import { readReport } from "../output/report_file.ts";
import { readSettings, type RunSettings } from "../run/run_settings.ts";
import { isCutShort } from "./cut_short.ts";
import { isHeld } from "./run_marks.ts";
import {
  factsOf,
  finite,
  type RunDetails,
  type RunRecord,
  summaryOf,
  textOf,
} from "./run_record.ts";

/** Largest size of the history of a run in bytes. */
const MAX_BYTES = 2 ** 27;

/**
 * Reads the run of a folder: its report, or the history of its rounds where it is under way or was
 * stopped. Files that cannot be read are named in the record's `fault`; whatever can be read of the
 * run is in it all the same.
 */
export async function readRun(folder: string): Promise<RunDetails> {
  const isRunning = await isHeld(folder);
  const faults: string[] = [];
  const attempt = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      faults.push(oneLine(errorMessage(error)));
    }
  };
  const settings = await attempt(() => readSettings(folder));
  const history = () => attempt(() => readHistory(`${folder}/checkpoints/history.jsonl`, faults));
  const hasReport = await isOwnFile(`${folder}/report.json`);
  const report = hasReport && !isRunning
    ? await attempt(async () => (await readReport(folder)).report)
    : undefined;
  const reports = report?.rounds ?? await history() ?? [];
  const { rows, figures } = summaryOf(reports);
  const digest = textOf(report?.modelDigest);
  const stopped = isRecord(report?.stopped) ? textOf(report.stopped.reason) : undefined;
  const strategy = textOf(report?.strategy) ?? textOf(settings?.settings.strategy) ?? "";
  const fault = faults.length > 0 ? faults.join("; ") : stopped;
  const seconds = finite(report?.seconds);
  const record: RunRecord = {
    name: basename(folder),
    ...beginning(settings),
    strategy,
    stage: isRunning
      ? "running"
      : report === undefined || isCutShort(report, settings)
      ? "stopped"
      : "finished",
    ...figures,
    ...(seconds !== undefined && { seconds }),
    ...(digest !== undefined && { digest }),
    facts: report === undefined ? {} : factsOf(report),
    ...(fault !== undefined && { fault }),
  };
  return { record, rounds: rows };
}

function beginning(
  settings: RunSettings | undefined,
): Pick<RunRecord, "command" | "began" | "settings"> {
  if (settings === undefined) return {};
  const { command, began, settings: flags } = settings;
  return { command, began, settings: flags };
}

/**
 * Reads the rounds of a run's history up to the first line that is broken. A last line that is
 * still being written is left out.
 */
async function readHistory(path: string, faults: string[]): Promise<RoundReport[]> {
  if (!await isOwnFile(path)) return [];
  const text = new TextDecoder().decode(await readBytes(path, { most: MAX_BYTES }));
  const rounds: RoundReport[] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    try {
      rounds.push(JSON.parse(line));
    } catch (error) {
      faults.push(`Cannot read line ${rounds.length + 1} of ${path}: ${errorMessage(error)}`);
      break;
    }
  }
  return rounds;
}
