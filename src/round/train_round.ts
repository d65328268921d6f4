import { DeadlineError, ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { DEFAULT_QUORUM, DEFAULT_ROUND_TRIES } from "../server/topology.ts";
import { type Evaluated, figuresOf } from "./evaluated.ts";
import type { ServerEvent } from "./events.ts";
import { Training } from "./exchange.ts";
import { NonFiniteResultError } from "./finite.ts";
import type { ParameterServerBackendHandler } from "./handler.ts";
import { Missing } from "./missing.ts";
import { MOST_LOSSES } from "./reason.ts";
import type { RoundReport } from "./report.ts";
import { boundText, mostExtreme } from "./update_bound.ts";

/** Whose round it is, and how a cohort is had to train and to evaluate. */
export interface RoundParts {
  readonly handler: ParameterServerBackendHandler;
  /** Number of clients of the group. */
  readonly numClients: number;
  /**
   * How many rounds there are, which share of the wanted updates has to come, and how often a round
   * is tried.
   */
  readonly limits: {
    readonly rounds: number;
    readonly quorum?: number | undefined;
    readonly roundTries?: number | undefined;
    readonly minClients?: number | undefined;
  };
  /** The ranks that are there, at least so many. */
  available(least: number): Promise<readonly Rank[]>;
  /** Has the cohort train, until each of its ranks has been settled. */
  attempt(training: Training): Promise<void>;
  /** The model of the round is made. */
  made(training: Training): void;
  /** The model that was made last is taken back. */
  unmade(): void;
  /** Evaluates the model. */
  evaluate(training: Training): Promise<Evaluated>;
  /** The loss of the model before the round, where it is known. */
  lossBefore(): number | undefined;
  /** An update that was taken in is refused after all. */
  refuse(error: ProtocolError, update: RefusedUpdate): void;
  tell(event: ServerEvent): void;
  warn(text: string): void;
}

/** An update that was taken in, and is refused after all. */
export interface RefusedUpdate {
  readonly rank: Rank;
  readonly round: number;
  /** L2 norm of the change, where that is known. */
  readonly norm?: number | undefined;
}

/** What a round's training came to. */
export type TrainedRound =
  & { readonly training: Training }
  & Pick<RoundReport, "tries" | "dropped" | "losses" | "lossesOmitted" | "outliers" | "paused">;

/** What a round came to. */
export interface MadeRound {
  readonly trained: TrainedRound;
  readonly evaluated: Evaluated;
  /** What the evaluation failed with, if it did: the model is the round's all the same. */
  readonly failure?: unknown;
}

/** Why an update that was taken in spoils its round. */
interface Spoiler {
  readonly rank: Rank;
  readonly reason: string;
}

/**
 * Has a cohort train, makes the model of it and evaluates that. A round that has too few updates is
 * tried again with a fresh cohort, and one that an update spoils, by its size or by what comes of
 * it, without that update.
 *
 * Throws a `DeadlineError` when a round has too few updates too often, and an `Error` when its
 * model is no good whoever is left out.
 */
export async function makeRound(round: number, parts: RoundParts): Promise<MadeRound> {
  const { handler, limits: { roundTries = DEFAULT_ROUND_TRIES } } = parts;
  const tries = new Tries(round, parts);
  // What the model was like is asked only when the round has made a bad one of it.
  const initial = parts.lossBefore() === undefined ? handler.parameters.slice() : undefined;
  for (let spoiled = 0;; spoiled++) {
    const trained = await tries.train();
    const { training } = trained;
    try {
      handler.updateModel();
    } catch (error) {
      if (!(error instanceof NonFiniteResultError) || !handler.revertModel()) throw error;
      const what = "the round's result is not finite";
      const spoiler = spoiled < roundTries ? tries.mostExtreme(training, what) : undefined;
      if (spoiler === undefined) throw error;
      tries.refuse(training, [spoiler]);
      continue;
    }
    parts.made(training);
    let evaluated: Evaluated;
    let isSpoilt: boolean;
    try {
      evaluated = await parts.evaluate(training);
      isSpoilt = evaluated.isUnsound === true && await wasSound(training, initial, parts);
    } catch (failure) {
      return { trained, evaluated: {}, failure };
    }
    if (!isSpoilt || !handler.revertModel()) return { trained, evaluated };
    parts.unmade();
    const what = "the round's model evaluates to no number";
    const spoiler = spoiled < roundTries ? tries.mostExtreme(training, what) : undefined;
    if (spoiler === undefined) {
      throw new Error(`Cannot end round ${round}: ${what}, whichever update is left out`);
    }
    tries.refuse(training, [spoiler]);
  }
}

/**
 * Whether the model before the round evaluates to a number, so that the round's updates are to
 * blame if the new one does not.
 */
async function wasSound(
  training: Training,
  initial: ParameterVector | undefined,
  { handler, evaluate, lossBefore }: RoundParts,
): Promise<boolean> {
  if (initial === undefined) return Number.isFinite(lossBefore());
  const made = handler.parameters.slice();
  handler.parameters = initial;
  try {
    return !(await evaluate(training)).isUnsound;
  } finally {
    handler.parameters = made;
  }
}

/** The tries of one round. */
class Tries {
  readonly #round: number;
  readonly #parts: RoundParts;
  readonly #missing = new Missing();
  /** Whose updates have spoiled a try: they are left out of those that follow. */
  readonly #spoilers = new Set<Rank>();
  /** Who was there and left out of the last try. */
  #paused: readonly Rank[] = [];
  /** Whom the last cohort could be chosen of. */
  #candidates: readonly Rank[] = [];
  #quorum = 0;
  /** Number of tries, and of those that had too few updates. */
  #tries = 0;
  #short = 0;

  constructor(round: number, parts: RoundParts) {
    this.#round = round;
    this.#parts = parts;
  }

  /** Has cohorts train until there are enough updates, none of which is out of bounds. */
  async train(): Promise<TrainedRound> {
    const { handler, numClients, limits: { rounds } } = this.#parts;
    const wanted = handler.updatesWanted(numClients);
    const { fewestUpdates } = handler;
    const quorum = this.#quorum = quorumOf(wanted, { ...this.#parts.limits, fewestUpdates });
    for (;;) {
      const round = this.#round, tries = ++this.#tries;
      const candidates = this.#candidates = this.#candidatesOf(await this.#present(quorum), quorum);
      const cohort = handler.selectClients(round, candidates, numClients, tries - 1);
      this.#parts.tell({ type: "round-started", round, rounds, cohort });
      handler.beginRound(round, numClients);
      const enough = Math.min(cohort.length, wanted);
      const training = new Training(round, cohort, { window: handler.staging.size, enough });
      await this.#parts.attempt(training);
      const { intake } = training;
      for (const { rank, isExcused } of intake.losses) {
        if (!isExcused) handler.onDrop(rank, round, intake.outcome(rank) === "refused");
      }
      const received = intake.count("received");
      if (received < quorum) {
        this.#missing.add(intake);
        this.#retry(training, { received, enough, quorum });
        continue;
      }
      const { updates = [], isBorne = false } = handler.outOfBounds(training.updates) ?? {};
      const outliers = updates.map(({ rank, limit }) => {
        const { norm = NaN } = training.updates.get(rank) ?? {};
        return { rank, reason: boundText(norm, limit) };
      });
      if (isBorne || outliers.length === 0) {
        this.#missing.add(intake);
        const named = outliers.slice(0, MOST_LOSSES);
        return {
          training,
          tries,
          ...this.#missing.report,
          ...(named.length > 0 && { outliers: named }),
          ...(this.#paused.length > 0 && { paused: this.#paused.slice(0, MOST_LOSSES) }),
        };
      }
      this.refuse(training, outliers);
    }
  }

  /**
   * The update that has most likely spoiled the round; nothing where there is none besides, and
   * nobody else to be asked.
   */
  mostExtreme({ updates }: Training, what: string): Spoiler | undefined {
    const rank = mostExtreme(updates);
    if (rank === undefined || (updates.size < 2 && this.#candidates.length < 2)) return undefined;
    const found = updates.size < 2 ? "the only one" : "the most extreme";
    return { rank, reason: `${what}, and the update of rank ${rank} is ${found} in it` };
  }

  /** Refuses updates that were taken in: the round is tried again without them. */
  refuse({ intake, updates }: Training, spoilers: readonly Spoiler[]): void {
    const { handler } = this.#parts;
    const round = this.#round, quorum = this.#quorum;
    for (const { rank, reason } of spoilers) {
      const text = `Cannot take the update of rank ${rank}: ${reason}`;
      intake.refuse(rank, text);
      this.#spoilers.add(rank);
      handler.onDrop(rank, round, true);
      const { norm } = updates.get(rank) ?? {};
      this.#parts.refuse(new ProtocolError("out-of-bounds", text), { rank, round, norm });
    }
    this.#missing.add(intake);
    const received = intake.count("received");
    this.#parts.tell({ type: "round-retried", round, received, quorum });
  }

  /** Those that are there: as many as the quorum without spoilers, where the group has so many. */
  async #present(quorum: number): Promise<readonly Rank[]> {
    const { available, numClients } = this.#parts;
    const present = await available(quorum);
    const least = quorum + present.filter((rank) => this.#spoilers.has(rank)).length;
    return present.length >= least ? present : await available(Math.min(least, numClients));
  }

  /**
   * Those that a cohort is chosen of: without spoilers, and without those that pause as long as
   * there are enough others.
   */
  #candidatesOf(present: readonly Rank[], quorum: number): Rank[] {
    const { handler } = this.#parts;
    const candidates = present.filter((rank) => !this.#spoilers.has(rank));
    const paused = handler.paused(this.#round).filter((rank) => candidates.includes(rank));
    const most = Math.max(0, candidates.length - Math.max(1, quorum));
    const left = new Set(most === 0 ? [] : paused.slice(-most));
    this.#paused = [...left].sort((a, b) => a - b);
    const rest = candidates.filter((rank) => !left.has(rank));
    if (rest.length > 0) return rest;
    throw new DeadlineError(
      `Round ${this.#round} has no clients left: the updates of all were refused`,
    );
  }

  /** A try had too few updates. Throws a `DeadlineError` when there were too many such tries. */
  #retry(
    { intake }: Training,
    { received, enough, quorum }: { received: number; enough: number; quorum: number },
  ): void {
    const { roundTries = DEFAULT_ROUND_TRIES } = this.#parts.limits;
    const round = this.#round;
    const trouble =
      `Round ${round} has ${received} of ${enough} updates, below the quorum of ${quorum}`;
    if (++this.#short === roundTries) {
      const [loss] = intake.losses;
      throw new DeadlineError(
        `${trouble}, after ${this.#tries} tries${
          loss ? `: rank ${loss.rank}: ${loss.reason}` : ""
        }`,
      );
    }
    this.#parts.warn(`${trouble}: trying again`);
    this.#parts.tell({ type: "round-retried", round, received, quorum });
  }
}

/**
 * Number of updates that a round needs: a share of those wanted, whoever is left, but no more than
 * the clients with which a run may begin; and as many as the algorithm needs, where so many are
 * wanted.
 */
export function quorumOf(
  wanted: number,
  { quorum = DEFAULT_QUORUM, minClients = Infinity, fewestUpdates = 1 }:
    & Partial<RoundParts["limits"]>
    & { fewestUpdates?: number },
): number {
  const share = Math.min(Math.ceil(wanted * quorum), minClients);
  return Math.max(1, share, Math.min(fewestUpdates, wanted));
}

/**
 * Who evaluates after a round: whoever is there, without those that have just been silent or are
 * left out of rounds.
 */
export function evaluatorsOf(
  present: readonly Rank[],
  { intake }: Training,
  handler: ParameterServerBackendHandler,
): Rank[] {
  const paused = new Set(handler.paused(intake.round));
  return present.filter((rank) => intake.outcome(rank) !== "dropped" && !paused.has(rank));
}

/** What the round's report says. */
export function roundReport(
  round: number,
  { training: { intake, trainLoss }, ...tried }: TrainedRound,
  evaluated: Evaluated,
  spent: Pick<RoundReport, "refused" | "bytesUp" | "bytesDown" | "seconds">,
): RoundReport {
  return {
    round,
    cohort: intake.cohort,
    received: intake.count("received"),
    ...tried,
    ...figuresOf(evaluated),
    ...(trainLoss !== undefined && { trainLoss }),
    ...spent,
  };
}
