import { runtime } from "../../base/runtime/runtime.ts";
import { isDenied } from "../../base/files/folder.ts";
import { tryLockFile } from "../../base/files/lock.ts";
import { refuseLink } from "../../base/files/whole_file.ts";
import { CheckpointStore } from "../../store/checkpoint/files/checkpoint_store.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import { mayUse } from "../options/permissions.ts";
import { printError } from "../output/terminal.ts";

/**
 * Name of the lock file of a run's folder. It is never removed: two processes could then hold locks
 * on different files.
 */
export const LOCK = ".lock";

/** Name of the audit log. */
export const AUDIT = "audit.jsonl";

/** Files and folders that a run writes to its folder. */
export const RUN_FILES: readonly string[] = [
  ...[
    "report.json",
    "settings.json",
    "model.safetensors",
    "model-best.safetensors",
    "model.json",
    "accuracy.svg",
    "schema.json",
    "standardizer.json",
  ],
  ...[LOCK, AUDIT, "checkpoints", "log"],
];

/** Opens the checkpoints in a run's folder. */
export function checkpointsIn(folder: string, keep?: number): CheckpointStore {
  return new CheckpointStore(`${folder}/checkpoints`, {
    onWarning: printError,
    ...(keep !== undefined && { keep }),
  });
}

/**
 * Reads the newest checkpoint in a run's folder.
 *
 * @throws {Error} If there is none.
 */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const store = checkpointsIn(folder);
  const checkpoint = await store.latest();
  if (checkpoint === undefined) {
    throw new Error(`Cannot resume from ${folder}: expected a whole checkpoint in ${store.folder}`);
  }
  return checkpoint;
}

/**
 * Locks a run's folder for this process until the result is disposed of, or the process ends.
 *
 * @throws {Error} If another process has locked it, it cannot be written, or a link stands in the
 * place of one of its files.
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

/**
 * Locks the folder of a run to resume; does nothing if it has no checkpoints.
 *
 * @throws {Error} As {@linkcode holdFolder} does.
 */
export async function holdResumed(folder: string | undefined): Promise<Disposable | undefined> {
  if (folder === undefined || !await exists(`${folder}/checkpoints`)) return undefined;
  return await holdFolder(folder);
}

/**
 * Checks that a folder does not contain a run.
 *
 * @throws {Error} If it does.
 */
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

/** Tells whether a file or folder exists. */
export async function exists(path: string): Promise<boolean> {
  try {
    await runtime.files.stat(path);
    return true;
  } catch (error) {
    if (error instanceof runtime.errors.NotFound) return false;
    if (error instanceof runtime.errors.NotADirectory) return false;
    throw error;
  }
}
