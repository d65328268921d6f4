import type { ParameterVector } from "../../params/manifest.ts";

/** A value of the vector, with the round whose training made it; none before the first round. */
interface Version {
  readonly round: number;
  readonly vector: ParameterVector | undefined;
}

const NOTHING: Version = { round: 0, vector: undefined };

/**
 * The vector that a client keeps from round to round.
 *
 * A new value counts only once the server has taken the update of the training that made it. In
 * SCAFFOLD and FedDyn the server keeps sums over the clients' vectors, which a change unknown to it
 * would make wrong for the rest of the run.
 */
export class OwnVector {
  #now: Version = NOTHING;
  /**
   * The value before the present one, for a server that has gone back to a checkpoint from before
   * the last update.
   */
  #before: Version = NOTHING;
  #next: Version | undefined;

  /** The present value. Setting it discards all others. */
  get vector(): ParameterVector | undefined {
    return this.#now.vector;
  }

  set vector(vector: ParameterVector | undefined) {
    this.#now = { round: 0, vector };
    this.#before = NOTHING;
    this.#next = undefined;
  }

  /** Proposes the value that counts once the server has taken the update of the round. */
  propose(round: number, vector: ParameterVector): void {
    this.#next = { round, vector };
  }

  /**
   * Restores the value after an earlier round.
   *
   * @param taken The round of the last update that the server took, 0 for none. By default that of
   * the last training.
   * @returns False if that value is no longer known; the nearest one counts in its place.
   */
  settle(taken?: number): boolean {
    if (taken === undefined && this.#next === undefined) return true;
    const versions = [
      ...(this.#next ? [this.#next] : []),
      this.#now,
      this.#before,
      NOTHING,
    ];
    const exact = taken === undefined ? versions[0] : versions.find(({ round }) => round === taken);
    const kept = versions.filter((version) => version.vector !== undefined);
    const nearest = kept.find(({ round }) => round < (taken ?? 0)) ?? kept.at(-1) ?? NOTHING;
    const chosen = exact ?? { round: taken ?? 0, vector: nearest.vector };
    if (chosen === this.#next) this.#before = this.#now;
    this.#now = chosen;
    this.#next = undefined;
    return exact !== undefined;
  }
}
