import type { Rank } from "../../base/rank.ts";
import type { JoinedClient } from "../sessions/registration.ts";

/**
 * Watch for clients whose weights in the mean do not fit together: one that keeps its data private
 * counts as one sample, and its data are next to nothing beside those of a client that does not.
 */
export class MixedWeights {
  #private: Rank | undefined;
  #plain: Rank | undefined;

  /**
   * Adds a client. Returns a warning that names a client of either kind, the first time that there
   * are both.
   */
  joined({ rank, isPrivate }: Pick<JoinedClient, "rank" | "isPrivate">): string | undefined {
    const isKnown = this.#private !== undefined && this.#plain !== undefined;
    if (isPrivate) this.#private ??= rank;
    else this.#plain ??= rank;
    if (isKnown || this.#private === undefined || this.#plain === undefined) return undefined;
    return `Rank ${this.#private} keeps its data private and counts as 1 sample, while others, such as rank ${this.#plain}, count as all that they have: a mean weighed by samples learns next to nothing of its data. Let all clients keep their data private (client --client-privacy), or none`;
  }
}
