import { isDenied } from "../../base/files/folder.ts";
import { tryLockFile } from "../../base/files/lock.ts";
import { refuseLink } from "../../base/files/whole_file.ts";
import { CheckpointStore } from "../../store/checkpoint/files/checkpoint_store.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import { mayUse } from "../options/permissions.ts";
import { printError } from "../output/terminal.ts";

/** The file that says by its lock that a process has its run in the folder. It stays: whoever removed it could part two processes. */
export const LOCK = ".lock";

/** The account of who did what in the run. */
export const AUDIT = "audit.jsonl";

/** What a run's folder has of its own. */
export const RUN_FILES: readonly string[] = [
  ...["report.json", "model.safetensors", "model.json", "accuracy.svg", "standardizer.json"],
  ...[LOCK, AUDIT, "checkpoints", "log"],
];

/** Where a run's folder has its checkpoints. */
export function checkpointsIn(folder: string, keep?: number): CheckpointStore {
  return new CheckpointStore(`${folder}/checkpoints`, {
    onWarning: printError,
    ...(keep !== undefined && { keep }),
  });
}

/** The newest checkpoint of a run's folder. Rejects with an `Error` when there is none. */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const store = checkpointsIn(folder);
  const checkpoint = await store.latest();
  if (checkpoint === undefined) {
    throw new Error(`Cannot resume from ${folder}: expected a whole checkpoint in ${store.folder}`);
  }
  return checkpoint;
}

/**
 * Holds a run's folder for this process until disposed of; a process that dies holds it no more.
 * Rejects with an `Error` when another process holds it, it may not be written, or a link stands in
 * the place of one of its files.
 */
export async function holdFolder(folder: string): Promise<Disposable> {
  await mayUse("write", folder);
  for (const name of RUN_FILES) {
    const isFolder = name === "checkpoints" || name === "log";
    await refuseLink(`${folder}/${name}`, isFolder ? "a folder" : "a regular file");
  }
  const lock = await tryLockFile(`${folder}/${LOCK}`).catch((error) => {
    if (isDenied(error)) throw error;
    return { [Symbol.dispose]() {} }; // some network file systems have no locks
  });
  if (lock) return lock;
  throw new Error(`Cannot use the folder ${folder}: another process has its run there`);
}

/** Holds the folder of a run that is to go on; nothing where there are no checkpoints. Rejects as {@linkcode holdFolder} does. */
export async function holdResumed(folder: string | undefined): Promise<Disposable | undefined> {
  if (folder === undefined || !await exists(`${folder}/checkpoints`)) return undefined;
  return await holdFolder(folder);
}

/** Rejects with an `Error` when the folder has a run already. */
export async function checkUnused(folder: string): Promise<void> {
  const where = `Cannot begin in ${folder}: there is a run already`;
  for (const name of ["report.json", "model.safetensors"]) {
    if (await exists(`${folder}/${name}`)) {
      throw new Error(
        `${where}, see ${name}; --resume it if it has checkpoints, or name another folder`,
      );
    }
  }
  if (await exists(`${folder}/checkpoints`) && await checkpointsIn(folder).latest() !== undefined) {
    throw new Error(`${where}; --resume it, or name another folder`);
  }
}

/** Whether there is a file or folder of that path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
