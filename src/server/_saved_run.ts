import type { Rank } from "../net/process_group.ts";
import type { Checkpoint } from "../store/checkpoint.ts";
import type { EvaluateResult } from "../train/handler.ts";
import type { ParameterServerBackendHandler } from "./handler.ts";
import type { RoundReport } from "./report.ts";

/** What of a run is kept besides its parameters. */
export interface SavedRun {
  readonly format: "fedlab.checkpoint/1";
  /** The run's name. */
  readonly run: string;
  readonly seed: number;
  readonly strategy: string;
  /** Session tokens by rank. */
  readonly tokens: readonly (readonly [Rank, string])[];
  readonly rounds: readonly RoundReport[];
  readonly final?: EvaluateResult;
  /** Wall time of the run so far. */
  readonly seconds: number;
  /** What the strategy keeps, if it keeps anything. */
  readonly strategyState?: unknown;
  readonly notes: Readonly<Record<string, unknown>>;
}

/**
 * Reads the run of a checkpoint, to go on with that handler.
 *
 * Throws a `TypeError` when it is not a server's, and a `RangeError` when it is another model's, seed's or strategy's.
 */
export async function readSavedRun(
  checkpoint: Checkpoint,
  handler: ParameterServerBackendHandler,
): Promise<SavedRun> {
  const where = "Cannot resume from the checkpoint";
  const state = checkpoint.state as Partial<SavedRun>;
  if (
    state.format !== "fedlab.checkpoint/1" || typeof state.run !== "string" ||
    !Array.isArray(state.tokens) || !Array.isArray(state.rounds) ||
    typeof state.seconds !== "number"
  ) {
    throw new TypeError(`${where}: expected the state of a server's run`);
  }
  if (await checkpoint.manifest.digest() !== await handler.manifest.digest()) {
    throw new RangeError(`${where}: expected the manifest of this server's model, got another`);
  }
  for (
    const [name, expected] of [["seed", handler.seed], ["strategy", handler.strategyName]] as const
  ) {
    if (state[name] !== expected) {
      throw new RangeError(`${where}: expected ${name} ${expected}, got ${state[name]}`);
    }
  }
  return state as SavedRun;
}
