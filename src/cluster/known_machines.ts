import { runtime } from "../base/runtime/runtime.ts";
import { v } from "../plan/deps.ts";
import { textLine, wholeNumber } from "../plan/schemas.ts";
import type { Cluster } from "./connect.ts";
import { MACHINES_BUCKET, ownerOf } from "./names.ts";
import { openBucket, PRESENCE_MILLIS } from "./provision.ts";

/** Check of what a machine tells of itself. */
export const machineSchema = v.object({
  /** Name of the machine, for people. */
  name: textLine(128),
  /** Threads that do jobs. */
  threads: wholeNumber(0, 2 ** 16),
  /** Reason for which it does not take part. */
  refusal: v.exactOptional(textLine(1024)),
});

/** State of a machine. */
export type MachineState = v.InferOutput<typeof machineSchema>;

/** Machines of a session, as its coordinator knows them. */
export class KnownMachines implements AsyncDisposable {
  readonly #machines = new Map<string, { readonly state: MachineState; readonly seen: number }>();
  readonly #stop: () => void;
  readonly #leftOut = new Set<string>();

  private constructor(stop: () => void) {
    this.#stop = stop;
  }

  /**
   * Begins to watch the machines of a session.
   *
   * @param onNew Receives each machine once it takes part, or refuses to.
   */
  static async watch(
    cluster: Cluster,
    session: string,
    onNew: (id: string, state: MachineState) => void,
  ): Promise<KnownMachines> {
    const bucket = await openBucket(cluster, MACHINES_BUCKET);
    const entries = await bucket.watch({ key: `${session}.>` });
    const known = new KnownMachines(() => entries.stop());
    known.#follow(entries, onNew).catch(() => {});
    return known;
  }

  async #follow(
    entries: AsyncIterable<{ key: string; operation: string; string(): string }>,
    onNew: (id: string, state: MachineState) => void,
  ): Promise<void> {
    for await (const entry of entries) {
      const id = entry.key.slice(entry.key.indexOf(".") + 1), before = this.#machines.get(id);
      if (entry.operation !== "PUT") {
        this.#machines.delete(id);
        continue;
      }
      let state: MachineState;
      try {
        state = v.parse(machineSchema, JSON.parse(entry.string()));
      } catch {
        continue; // No machine of this program writes this.
      }
      this.#machines.set(id, { state, seen: runtime.clock.now() });
      const now = shown(state);
      if (now !== undefined && now !== shown(before?.state)) onNew(id, state);
    }
  }

  /** Number of threads of the machines that take part. */
  get threads(): number {
    return this.threadsBeside([]);
  }

  /** Number of threads of the machines that take part, without those of some owners. */
  threadsBeside(owners: readonly string[]): number {
    const oldest = runtime.clock.now() - PRESENCE_MILLIS;
    let threads = 0;
    for (const [id, { state, seen }] of this.#machines) {
      const owner = ownerOf(id);
      if (seen < oldest) this.#machines.delete(id);
      else if (state.refusal !== undefined || this.#leftOut.has(owner)) continue;
      else if (!owners.includes(owner)) threads += state.threads;
    }
    return threads;
  }

  /** Counts the threads of an owner's machines no more. */
  leaveOut(owner: string): void {
    this.#leftOut.add(owner);
  }

  /** Returns the name of a machine. */
  nameOf(id: string): string {
    return this.#machines.get(id)?.state.name ?? id;
  }

  /** Stops to watch. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    return Promise.resolve();
  }
}

/**
 * Returns what is told of a state: nothing while a machine reads its data and tries its kernels.
 */
function shown(state: MachineState | undefined): string | undefined {
  return state?.refusal ?? (state?.threads ? "takes part" : undefined);
}
