import type { Rank } from "../net/process_group.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Checkpoint } from "../store/checkpoints.ts";
import type { EvaluateResult } from "../train/handler.ts";
import type { HandlerState, ServerBackendHandler } from "./handler.ts";
import type { MemberReport, RoundReport } from "./report.ts";

/** What the names of a strategy's vectors begin with in a checkpoint. */
const STRATEGY_PREFIX = "strategy/";

/** What of a run is kept besides its parameters. */
export interface SavedRun {
  readonly format: "fedlab.checkpoint/1";
  /** The run's name. */
  readonly run: string;
  readonly seed: number;
  readonly strategy: string;
  /** Session tokens by rank. */
  readonly tokens: readonly (readonly [Rank, string])[];
  /** Identities by rank, of seats that belong to a key; older checkpoints have none. */
  readonly identities?: readonly (readonly [Rank, string])[];
  /** The clients so far; older checkpoints have none. */
  readonly members?: readonly MemberReport[];
  readonly rounds: readonly RoundReport[];
  readonly final?: EvaluateResult;
  /** Wall time of the run so far. */
  readonly seconds: number;
  /** What the strategy keeps as JSON, if it keeps anything; its vectors are the checkpoint's. */
  readonly strategyState?: unknown;
  /** What the handler knows of the clients, if it keeps that. */
  readonly clients?: unknown;
  readonly notes: Readonly<Record<string, unknown>>;
}

/**
 * Reads the run of a checkpoint, to go on with that handler.
 *
 * Throws a `TypeError` when it is not a server's, and a `RangeError` when it is another model's, seed's or strategy's.
 */
export async function readSavedRun(
  checkpoint: Checkpoint,
  handler: ServerBackendHandler,
): Promise<SavedRun> {
  const where = "Cannot resume from the checkpoint";
  const state = checkpoint.state as Partial<SavedRun>;
  if (
    state.format !== "fedlab.checkpoint/1" || typeof state.run !== "string" ||
    !isByRank(state.tokens) || !isByRank(state.identities ?? []) || !Array.isArray(state.rounds) ||
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

function isByRank(value: unknown): boolean {
  return Array.isArray(value) &&
    value.every((entry) =>
      Array.isArray(entry) && Number.isSafeInteger(entry[0]) && typeof entry[1] === "string"
    );
}

/** A strategy's vectors by their names in a checkpoint. */
export function withPrefix(
  vectors: Readonly<Record<string, ParameterVector>>,
): Record<string, ParameterVector> {
  return Object.fromEntries(
    Object.entries(vectors).map(([name, vector]) => [STRATEGY_PREFIX + name, vector]),
  );
}

/** What the handler kept, of a checkpoint. */
export function handlerStateOf(
  { vectors = {} }: Checkpoint,
  { strategyState: json, clients }: SavedRun,
): HandlerState {
  const own = Object.entries(vectors).filter(([name]) => name.startsWith(STRATEGY_PREFIX))
    .map(([name, vector]) => [name.slice(STRATEGY_PREFIX.length), vector] as const);
  return {
    ...(json !== undefined && { json }),
    ...(clients !== undefined && { clients }),
    ...(own.length > 0 && { vectors: Object.fromEntries(own) }),
  };
}
