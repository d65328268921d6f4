import { sha256Hex } from "../../base/hash.ts";
import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import type { HandlerState, ServerBackendHandler } from "../handler/server_backend_handler.ts";
import type { ServerCodecs } from "../handler/server_codecs.ts";
import type { MemberReport, PlanChange, RoundReport } from "../report/report.ts";
import type { SavedSum } from "../secure/open_sum.ts";
import type { NotedSettings } from "./plan_changes.ts";

/** Prefix of the names of a strategy's vectors in a checkpoint. */
const STRATEGY_PREFIX = "strategy/";

/** Ranks of a run, for a checkpoint: the part that reconnecting clients need. */
export interface SavedRanks {
  /** Session tokens by rank. */
  readonly tokens: readonly (readonly [Rank, string])[];
  /** Identities by rank, of ranks that belong to a key. Older checkpoints have none. */
  readonly identities?: readonly (readonly [Rank, string])[];
}

/**
 * State of a run in a checkpoint. The reports of its rounds are the checkpoint's history.
 */
export interface SavedState extends SavedRanks {
  readonly format: "fedlab.checkpoint/2";
  /** The run's name. */
  readonly run: string;
  readonly seed: number;
  readonly strategy: string;
  /** Way in which updates are added up, where it is not the running mean. */
  readonly aggregation?: "exact";
  readonly uplink?: string;
  readonly downlink?: string;
  /** Digest of the model's description. Older checkpoints, and models without one, have none. */
  readonly model?: string;
  /** Schema of the data. Older checkpoints, and runs without one, have none. */
  readonly schema?: unknown;
  /** The clients so far. Older checkpoints have none. */
  readonly members?: readonly MemberReport[];
  readonly final?: EvaluateResult;
  /**
   * Report of the last round of a private run, whose model was saved before it was evaluated and
   * told: it is not in the history yet.
   */
  readonly untold?: RoundReport;
  /** Masked sum of the open round, whose members are asked for shares. */
  readonly openSum?: SavedSum;
  /** Wall time of the run so far. */
  readonly seconds: number;
  /** Settings of training. Older checkpoints have none. */
  readonly settings?: NotedSettings;
  /** Changes of the settings when the run was resumed. */
  readonly changes?: readonly PlanChange[];
  /** Round of the best model, where that is kept. */
  readonly best?: number;
  /** The strategy's state as JSON, if it has one. Its vectors are the checkpoint's. */
  readonly strategyState?: unknown;
  /** The handler's knowledge about the clients, if it has any. */
  readonly clients?: unknown;
  readonly notes: Readonly<Record<string, unknown>>;
}

/** Computes the digest of the description of a handler's model, if it has one. */
export async function modelDigest({ model }: ServerBackendHandler): Promise<string | undefined> {
  return model && await sha256Hex(new TextEncoder().encode(JSON.stringify(model)));
}

/** Makes the state of a run for a checkpoint. Lists that are empty are left out. */
export function stateOf(
  handler: ServerBackendHandler,
  { json, clients }: HandlerState,
  { tokens, identities = [], members = [], changes = [], ...parts }: Omit<
    SavedState,
    "format" | "seed" | "strategy" | "settings" | "strategyState" | "clients"
  >,
): SavedState {
  const { seed, strategyName, plan, schedule } = handler;
  return {
    format: "fedlab.checkpoint/2",
    seed,
    strategy: strategyName,
    ...updateFields(handler),
    ...parts,
    tokens,
    ...(identities.length > 0 && { identities }),
    ...(members.length > 0 && { members }),
    settings: { plan, ...(schedule && { schedule }) },
    ...(changes.length > 0 && { changes }),
    strategyState: json,
    clients,
  };
}

/** Renames a strategy's vectors to their names in a checkpoint. */
export function withPrefix(
  vectors: Readonly<Record<string, ParameterVector>>,
): Record<string, ParameterVector> {
  return Object.fromEntries(
    Object.entries(vectors).map(([name, vector]) => [STRATEGY_PREFIX + name, vector]),
  );
}

/** Returns the handler's state in a checkpoint. */
export function savedHandlerState(
  { vectors = {} }: Checkpoint,
  { strategyState: json, clients }: Pick<SavedState, "strategyState" | "clients">,
): HandlerState {
  const own = Object.entries(vectors).filter(([name]) => name.startsWith(STRATEGY_PREFIX))
    .map(([name, vector]) => [name.slice(STRATEGY_PREFIX.length), vector] as const);
  return {
    ...(json !== undefined && { json }),
    ...(clients !== undefined && { clients }),
    ...(own.length > 0 && { vectors: Object.fromEntries(own) }),
  };
}

/** Returns the names of a server's codecs. */
export function codecNames(
  { codecs }: Pick<ServerBackendHandler, "codecs">,
): { readonly uplink?: string; readonly downlink?: string } {
  const { uplink, downlinkName }: Partial<Pick<ServerCodecs, "uplink" | "downlinkName">> = codecs ??
    {};
  return {
    ...(uplink && { uplink: uplink.codec.name }),
    ...(downlinkName !== undefined && { downlink: downlinkName }),
  };
}

/** Returns the fields of a report or checkpoint that name how updates are sent and added up. */
export function updateFields(
  handler: ServerBackendHandler,
): Pick<SavedState, "aggregation" | "uplink" | "downlink"> {
  const { aggregation } = handler;
  return { ...(aggregation === "exact" && { aggregation }), ...codecNames(handler) };
}
