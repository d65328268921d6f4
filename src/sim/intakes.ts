import type { ParameterVector } from "../params/manifest.ts";
import type { VectorPart } from "../params/vector_part.ts";
import { sendsGradient } from "../plan/rules/rules.ts";
import type { TrainingExchange } from "../round/cohort/training_exchange.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { SecureError } from "../secure/errors.ts";
import { SecureRound } from "./secure_round.ts";
import type { Traffic } from "./traffic.ts";
import { PlainIntake, SecureIntake, type UpdateIntake } from "./update_intake.ts";

/** Bytes of an update up to which it is copied to the memory of the server's kernels at once. */
const MOST_COPIED_BYTES = 64 * 1024;

/** Server's handler of a simulation. */
export interface IntakesParts {
  readonly handler: SyncServerBackendHandler;
  /** Set if the clients make masks, with secure aggregation. */
  readonly isMasked?: boolean | undefined;
}

/** Intakes of the updates of a simulation, one for each attempt at a round. */
export class Intakes {
  readonly #parts: IntakesParts;
  readonly #part: VectorPart | undefined;
  readonly #traffic: Traffic;
  /** Update as the server decodes it. */
  #decoded: ParameterVector | undefined;
  /** Place of a small update. Each kernel would copy it otherwise, which takes as long again. */
  #place: ParameterVector | undefined;
  /** Last attempt of secure aggregation. */
  #last = { round: 0, attempt: 0 };

  /**
   * Creates the intakes of a simulation.
   *
   * @param part Part of the parameters that travels; `undefined` for all.
   */
  constructor(parts: IntakesParts, part: VectorPart | undefined, traffic: Traffic) {
    this.#parts = parts;
    this.#part = part;
    this.#traffic = traffic;
  }

  /**
   * Begins an attempt at a round.
   *
   * @returns `undefined` if its cohort is too small for secure aggregation; its ranks are settled.
   */
  async begin(training: TrainingExchange): Promise<UpdateIntake | undefined> {
    const { handler, isMasked = false } = this.#parts;
    const { secure: terms, parameters, seed } = handler, part = this.#part;
    if (terms === undefined) {
      if (handler.codecs) this.#decoded ??= new Float32Array(handler.manifest.length);
      else this.#place ??= placeOf(handler);
      const vectors = { decoded: this.#decoded, place: this.#place };
      return new PlainIntake(handler, training, this.#traffic, vectors);
    }
    const { collector: { round, cohort } } = training, last = this.#last;
    const attempt = last.round === round ? last.attempt + 1 : 1;
    this.#last = { round, attempt };
    const isGradient = sendsGradient(handler.plan.rule);
    const about = { terms, round, attempt, cohort, parameters, part, seed };
    const session = { ...about, isMasked, isGradient };
    try {
      return new SecureIntake(await SecureRound.begin(session), training, this.#traffic);
    } catch (error) {
      if (!(error instanceof SecureError)) throw error;
      for (const rank of cohort) training.collector.settle(rank, "dropped", error.message, true);
      return undefined;
    }
  }
}

/** Returns the place of a small update in the memory of the server's kernels. */
function placeOf({ manifest, staging }: SyncServerBackendHandler): ParameterVector | undefined {
  const { length, byteLength } = manifest;
  const buffer = byteLength <= MOST_COPIED_BYTES ? staging.tryLend() : undefined;
  return buffer && new Float32Array(buffer.buffer, buffer.byteOffset, length);
}
