import { CheckpointStore } from "../store/checkpoint.ts";
import type { Checkpoint } from "../store/checkpoints.ts";
import { printError } from "./_terminal.ts";

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

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
