import type { CheckpointStore } from "../../store/checkpoint/files/checkpoint_store.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import { checkpointsIn, holdFolder } from "./checkpoints.ts";
import { mayUse } from "../options/permissions.ts";

/** A folder with the checkpoints of one run, held for this process until disposed of. */
export interface KeptRun extends Disposable {
  /** Where they are. */
  readonly checkpoints: CheckpointStore;
  /** What the run goes on from, if it has begun. */
  readonly resume?: Checkpoint;
}

/**
 * Opens the folder of a run whose checkpoints have its settings as the note `settings`; makes it, if there is none. Rejects with an `Error` for a run of other
 * settings, and for a folder that cannot be written or in which another process has its run.
 */
export async function openKept(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<KeptRun> {
  await mayUse("write", folder);
  await mayUse("read", folder);
  await Deno.mkdir(folder, { recursive: true });
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
