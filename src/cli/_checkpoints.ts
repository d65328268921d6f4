import { CheckpointStore } from "../store/checkpoint.ts";
import type { Checkpoint } from "../store/checkpoints.ts";
import { printError } from "./_terminal.ts";
import type { Command } from "./deps.ts";

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

/** The options that the run was started with, and those that are given anew. */
export function mergeFlags<Flags extends object>(
  { state }: Checkpoint,
  given: Flags,
  command: Command,
): Flags {
  const { flags } = state.notes as { flags: Flags };
  const anew = Object.entries(given).filter(([name]) =>
    command.getOptionValueSource(name) === "cli"
  );
  return { ...flags, ...Object.fromEntries(anew) };
}
