import { runtime } from "../../base/runtime/runtime.ts";
import { isOwnFile } from "../dashboard/run_files.ts";
import { LOCK } from "../run/checkpoints.ts";

/** Tells whether a folder has a run: a report, or checkpoints of its own. */
export async function isRun(folder: string): Promise<boolean> {
  return await isOwnFile(`${folder}/report.json`) || await hasCheckpoints(folder);
}

/** Tells whether a folder has checkpoints of its own, not a link to a folder elsewhere. */
async function hasCheckpoints(folder: string): Promise<boolean> {
  const path = `${folder}/checkpoints`;
  return await runtime.files.lstat(path).then((info) => info.isDirectory, () => false);
}

/** Describes the state of a run's files: it differs once there is something new to show. */
export async function markOf(folder: string): Promise<string> {
  const report = await runtime.files.lstat(`${folder}/report.json`).catch(() => undefined);
  if (report?.isFile) return `report ${report.mtime?.getTime()} ${report.size}`;
  const path = `${folder}/checkpoints`;
  const times = await Promise.all(
    [path, `${path}/history.jsonl`].map((path) =>
      runtime.files.stat(path).then(({ mtime }) => mtime?.getTime(), () => undefined)
    ),
  );
  return `${await isHeld(folder) ? "alive" : "dead"} ${times.join(" ")}`;
}

/** Tells whether the run of a folder goes on in another process. */
export async function isHeld(folder: string): Promise<boolean> {
  try {
    // A shared lock, and only for a moment: the run's own process may be about to take it.
    using file = await runtime.files.open(`${folder}/${LOCK}`, { read: true });
    return !await file.tryLock(false);
  } catch {
    return false;
  }
}
