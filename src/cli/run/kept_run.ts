import { runtime } from "../../base/runtime/runtime.ts";
import type { CheckpointStore } from "../../store/checkpoint/files/checkpoint_store.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import { checkpointsIn, holdFolder } from "./checkpoints.ts";
import { mayUse } from "../options/permissions.ts";

/** Folder with the checkpoints of one run, locked for this process until disposed of. */
export interface KeptRun extends Disposable {
  /** The checkpoints. */
  readonly checkpoints: CheckpointStore;
  /** Checkpoint to resume from, if the run has begun. */
  readonly resume?: Checkpoint;
}

/**
 * Opens the folder of a run whose checkpoints note its settings, or makes the folder.
 *
 * @param folder Path of the folder.
 * @param settings Settings of the run.
 * @throws {Error} If the folder has a run with other settings, cannot be written, or is locked by
 * another process.
 */
export async function openKept(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<KeptRun> {
  await mayUse("write", folder);
  await mayUse("read", folder);
  await runtime.files.mkdir(folder, { recursive: true });
  const lock = await holdFolder(folder);
  try {
    const checkpoints = checkpointsIn(folder, 1);
    const resume = await checkpoints.latest();
    if (resume) checkSettings(folder, Object(resume.state.notes).settings, settings);
    return {
      checkpoints,
      ...(resume && { resume }),
      [Symbol.dispose]: () => lock[Symbol.dispose](),
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

function checkSettings(
  folder: string,
  kept: unknown,
  settings: Readonly<Record<string, unknown>>,
): void {
  const before = Object(kept) as Readonly<Record<string, unknown>>;
  const names = new Set([...Object.keys(before), ...Object.keys(settings)]);
  const text = (value: unknown) => JSON.stringify(value) ?? "none";
  for (const name of names) {
    const [expected, got] = [text(settings[name]), text(before[name])];
    if (expected === got) continue;
    throw new Error(
      `Cannot go on with ${folder}: expected a run of ${name} ${expected}, got ${got}; name another folder`,
    );
  }
}
