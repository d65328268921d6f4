import { isRecord } from "../../base/json.ts";
import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { RingVector } from "../../secure/quantize.ts";
import { type Ring, ringOf, type RingSettings } from "../../secure/ring.ts";
import { readSavedSession, type SavedSession } from "../../secure/server/saved_session.ts";
import type { Unmasking } from "../../secure/server/unmasking.ts";
import type { CohortCollector } from "../cohort/cohort_collector.ts";

/** Name of the masked sum in a checkpoint. */
const SUM_VECTOR = "secure/sum";

/** Client of a cohort that is not in its sum. */
export interface SavedAbsence {
  /** Client. */
  readonly rank: Rank;
  /** Reason for which it is not in the sum. */
  readonly reason: string;
  /** True if the server has refused its update. */
  readonly isRefused: boolean;
  /** True if the client asked to be left out. */
  readonly isExcused: boolean;
}

/** Masked sum of a round whose survivors are asked for shares, as the state of a checkpoint. */
export interface SavedSum {
  /** Session. */
  readonly session: SavedSession;
  /** Ring of its integers. */
  readonly ring: RingSettings;
  /** Cohort of the round. */
  readonly cohort: readonly Rank[];
  /** Clients of it that are not in the sum. */
  readonly absences: readonly SavedAbsence[];
}

/**
 * Masked sum of a round, saved before any shares are asked for: a server that is killed before the
 * round's model is saved asks for the same shares once more. In another attempt at the round the
 * clients that have revealed shares would take no part.
 */
export interface OpenSum {
  /** Description of the sum, for a checkpoint. */
  readonly saved: SavedSum;
  /** Sum of the masked updates. */
  readonly sums: RingVector;
}

/** Returns the vectors that a checkpoint has of a sum, by name. */
export function sumVectors(
  { sums: { buffer, byteOffset, length } }: OpenSum,
): Readonly<Record<string, ParameterVector>> {
  // The bits of integers: the bytes are stored as they are.
  return { [SUM_VECTOR]: new Float32Array(buffer, byteOffset, length) };
}

/**
 * Reads the open sum of a checkpoint.
 *
 * @returns `undefined` if there is none.
 * @throws {TypeError} If it is not valid.
 */
export function readOpenSum(
  openSum: unknown,
  vectors: Readonly<Record<string, ParameterVector>> = {},
): OpenSum | undefined {
  if (openSum === undefined) return undefined;
  const vector = vectors[SUM_VECTOR];
  try {
    const { session, ring, cohort, absences } = isRecord(openSum) ? openSum : {};
    const isSound = vector !== undefined && isRecord(ring) && isRanks(cohort) &&
      Array.isArray(absences) && absences.every(isAbsence);
    if (!isSound) throw new TypeError("expected a cohort, a ring and a vector");
    const saved = readSavedSession(session), known = new Set(cohort);
    if (!saved.members.every(([rank]) => known.has(rank))) {
      throw new TypeError("expected members of the cohort");
    }
    const settings = ring as unknown as RingSettings;
    ringOf(settings);
    const sums = new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
    return { saved: { session: saved, ring: settings, cohort, absences }, sums };
  } catch (cause) {
    throw new TypeError(
      `Cannot resume from the checkpoint: its masked sum is not valid: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}

/** Makes the open sum of an attempt, before any shares are asked for. */
export async function saveSum(
  unmasking: Unmasking,
  { clip, maxSamples, maxMembers, maxLoss, rounding }: Ring,
  collector: CohortCollector,
): Promise<OpenSum> {
  const { cohort } = collector, ring = { clip, maxSamples, maxMembers, maxLoss, rounding };
  const absences = collector.absences.map(({ rank, reason, isExcused }) => {
    return { rank, reason, isExcused, isRefused: collector.outcome(rank) === "refused" };
  });
  const session = await unmasking.save();
  return { saved: { session, ring, cohort, absences }, sums: unmasking.sums };
}

/** Settles the clients of a cohort as they were when its sum was saved. */
export function settleSaved(collector: CohortCollector, { session, absences }: SavedSum): void {
  for (const [rank] of session.digests) {
    collector.markComplete(rank);
    collector.settle(rank, "received");
  }
  for (const { rank, reason, isRefused, isExcused } of absences) {
    collector.settle(rank, isRefused ? "refused" : "dropped", reason, isExcused);
  }
  for (const rank of collector.pending) {
    collector.settle(rank, "dropped", "it was not in the sum", true);
  }
}

function isRanks(value: unknown): value is readonly Rank[] {
  return Array.isArray(value) && value.every((rank) => Number.isSafeInteger(rank));
}

function isAbsence(value: unknown): value is SavedAbsence {
  const { rank, reason, isRefused, isExcused } = isRecord(value) ? value : {};
  return Number.isSafeInteger(rank) && typeof reason === "string" &&
    typeof isRefused === "boolean" && typeof isExcused === "boolean";
}
