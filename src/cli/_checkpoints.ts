import { CheckpointStore } from "../store/checkpoint.ts";
import type { Checkpoint } from "../store/checkpoints.ts";
import { UsageError } from "./_options.ts";
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

/**
 * The options that the run was started with, and those that are given anew. Throws an `Error` for a run that another command began, and a
 * `UsageError` for a folder beside the one that is resumed.
 */
export function mergeFlags<Flags extends { resume?: string; out?: string }>(
  { state }: Checkpoint,
  given: Flags,
  command: Command,
): Flags {
  const notes = state.notes as { command?: string; flags?: Flags } | undefined;
  // A server's own from before there were others do not say so.
  const flags = (notes?.command ?? "server") === command.name() ? notes?.flags : undefined;
  if (flags === undefined) {
    throw new Error(
      `Cannot resume from ${given.resume}: its run was not begun by the command ${command.name()}`,
    );
  }
  if (given.out !== undefined) {
    throw new UsageError("expected no --out with --resume, which goes on in its own folder");
  }
  const anew = Object.entries(given).filter(([name]) =>
    command.getOptionValueSource(name) === "cli"
  );
  return { ...flags, ...Object.fromEntries(anew) };
}
