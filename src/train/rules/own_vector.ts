import type { ParameterVector } from "../../params/manifest.ts";

/** What a client has kept since its training of a round; nothing since round 0. */
interface Version {
  readonly round: number;
  readonly vector: ParameterVector | undefined;
}

const NOTHING: Version = { round: 0, vector: undefined };

/**
 * The vector that a client keeps from round to round. What a training makes of it counts once the server has taken the update: sums over the clients'
 * vectors, which the server keeps in SCAFFOLD and FedDyn, would be wrong for ever by a change that it does not know of.
 */
export class OwnVector {
  #now: Version = NOTHING;
  /** What counted before: a server that has gone back to its last checkpoint has not taken the last update. */
  #before: Version = NOTHING;
  #next: Version | undefined;

  /** What counts. Setting it forgets all else. */
  get vector(): ParameterVector | undefined {
    return this.#now.vector;
  }

  set vector(vector: ParameterVector | undefined) {
    this.#now = { round: 0, vector };
    this.#before = NOTHING;
    this.#next = undefined;
  }

  /** What it is to be once the update of that round is taken. */
  propose(round: number, vector: ParameterVector): void {
    this.#next = { round, vector };
  }

  /**
   * The last update that was taken is that of the round `taken`, 0 for none; by default that of the last training. False when what was kept then is
   * not here any more: what is nearest to it counts in its place.
   */
  settle(taken?: number): boolean {
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
