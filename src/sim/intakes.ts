import type { ParameterVector } from "../params/manifest.ts";
import type { VectorPart } from "../params/vector_part.ts";
import { sendsGradient } from "../plan/rules/rules.ts";
import type { TrainingExchange } from "../round/cohort/training_exchange.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { SecureError } from "../secure/errors.ts";
import { SecureRound } from "./secure_round.ts";
import type { Traffic } from "./traffic.ts";
import { PlainIntake, SecureIntake, type UpdateIntake } from "./update_intake.ts";

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
      return new PlainIntake(handler, training, this.#traffic, this.#decoded);
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
