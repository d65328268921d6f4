/**
 * Outcomes that would change a run, such as that of a client that fails: a second machine has to
 * say the same. Jobs depend on nothing but their input, so that machines in order agree.
 *
 * @module
 */

import { AT_LEAST_ONE, isInRange } from "../base/check.ts";
import { ProtocolError } from "../base/errors.ts";
import { stats } from "../params/kernels.ts";
import type { ClientJob, ClientPoolOptions, JobOutcome } from "../sim/client_pool.ts";
import { checkFigures, checkUpdate, updatePayload } from "../sim/update_payload.ts";
import type { KnownMachines } from "./known_machines.ts";
import { ownerOf } from "./names.ts";
import type { Refusals } from "./refusals.ts";

/** Properties of a session by which outcomes are judged. */
export type DoubtShape = Pick<
  ClientPoolOptions,
  "keepsOwn" | "counts" | "parts" | "privacy" | "handler"
>;

/** Outcome of a job that is in doubt: which job, and what is strange about it. */
export interface Doubt {
  readonly job: string;
  readonly what: string;
}

/** Returns what is in doubt about the outcomes of some jobs. */
export function doubtsIn(
  outcomes: readonly JobOutcome[],
  jobs: readonly ClientJob[],
  shape: DoubtShape,
): Doubt[] {
  return jobs.flatMap((job, i) => {
    const outcome = outcomes[i], what = outcome && doubtIn(outcome, job, shape);
    return what === undefined ? [] : [{ job: nameOf(job), what }];
  });
}

function nameOf(job: ClientJob): string {
  return job.kind === "test"
    ? `test of rows ${job.from} to ${job.to}`
    : `${job.kind} of client ${job.rank}`;
}

function doubtIn(outcome: JobOutcome, job: ClientJob, shape: DoubtShape): string | undefined {
  switch (outcome.kind) {
    case "failed":
      // Reasons may name files of a machine.
      return outcome.stays ? "cannot train" : "fails";
    case "joined":
      return isInRange(outcome.numSamples, AT_LEAST_ONE) ? undefined : "has no samples";
    case "evaluated":
      return doubtInEvaluation(outcome, job, shape);
    default:
      return doubtInTraining(outcome, job, shape);
  }
}

function doubtInEvaluation(
  { result, counts }: JobOutcome & { readonly kind: "evaluated" },
  job: ClientJob,
  shape: DoubtShape,
): string | undefined {
  if (job.kind === "test") {
    if (result.numSamples !== job.to - job.from) return "has another number of rows";
    if (shape.counts > 0 && counts === undefined) return "has no counts";
  }
  return isPassed(() => checkFigures(1, result)) ? undefined : "has figures out of range";
}

function doubtInTraining(
  outcome: JobOutcome & { readonly kind: "trained" | "summed" },
  job: ClientJob,
  { keepsOwn, parts, privacy, handler }: DoubtShape,
): string | undefined {
  const { own, result } = outcome;
  if (!isPassed(() => checkUpdate(updatePayload(1, outcome)))) return "has figures out of range";
  if (job.kind === "train" && parts && !handler && !privacy) {
    const rows = parts[job.rank - 1]?.length;
    if (result.numSamples !== rows) return "has another number of rows";
  }
  if (keepsOwn && own === undefined) return "has no vector of the client's own";
  const vectors = [...outcome.kind === "trained" ? [outcome.update] : [], ...own ? [own] : []];
  return vectors.some((vector) => stats(vector).nonFinite > 0)
    ? "has values that are not finite"
    : undefined;
}

function isPassed(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/** Doubts that a second machine has confirmed, for the rest of a session. */
export type Believed = Set<string>;

/** Says of machines about a block, until what one of them says counts. */
export class Doubts {
  readonly #machines: KnownMachines;
  readonly #believed: Believed;
  readonly #said: { readonly machine: string; readonly doubts: readonly string[] }[] = [];

  constructor(machines: KnownMachines, believed: Believed) {
    this.#machines = machines;
    this.#believed = believed;
  }

  /** Owners of the machines that have answered, and leave the block to others. */
  get asked(): readonly string[] {
    return [...new Set(this.#said.map(({ machine }) => ownerOf(machine)))];
  }

  /** Reports whether there is a machine that has not answered. */
  get hasOthers(): boolean {
    return this.#machines.threadsBeside(this.asked) > 0;
  }

  /**
   * Reports whether the outcomes of a machine count: nothing is in doubt, or another machine says
   * the same, or this one says it again and there is no other. Machines that said something else
   * are to blame then.
   */
  settle(machine: string, found: readonly Doubt[], refusals: Refusals): boolean {
    const doubts = found.map(({ job, what }) => `${job} ${what}`)
      .filter((doubt) => !this.#believed.has(doubt));
    const owner = ownerOf(machine);
    const same = this.#said.filter((before) => isSame(before.doubts, doubts));
    const isConfirmed = doubts.length === 0 ||
      same.some((before) => ownerOf(before.machine) !== owner) ||
      (same.length > 0 && !this.hasOthers);
    if (!isConfirmed) {
      if (same.length === 0) this.#said.push({ machine, doubts });
      return false;
    }
    doubts.forEach((doubt) => this.#believed.add(doubt));
    for (const before of this.#said) {
      if (!isSame(before.doubts, doubts)) refusals.blame(before.machine, lineOf(before.doubts));
    }
    this.#said.length = 0;
    return true;
  }
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((doubt, i) => doubt === others[i]);
}

function lineOf([first = "", ...more]: readonly string[]): string {
  return more.length === 0 ? `"${first}"` : `"${first}" and ${more.length} more`;
}
