import { ConnectionClosedError, errorMessage } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { ClientTopologyOptions } from "../options.ts";
import { isRankTaken } from "./leave.ts";

/** Rank of a client in the run before, which it asks for again in the next one. */
export class FormerRank {
  #rank: Rank | undefined;

  /** Keeps the rank of a run that has ended. */
  keep(rank: Rank): void {
    this.#rank = rank;
  }

  /** Returns options that ask for the rank. */
  askIn(options: Readonly<ClientTopologyOptions>): Readonly<ClientTopologyOptions> {
    return this.#rank === undefined ? options : { ...options, rank: this.#rank };
  }

  /**
   * Gives the rank up if another client has it by now.
   *
   * @throws {ConnectionClosedError} After which the client tries again, without the rank.
   */
  async orWithout<T>(
    joining: Promise<T>,
    { rank }: Readonly<ClientTopologyOptions>,
  ): Promise<T> {
    try {
      return await joining;
    } catch (error) {
      if (!isRankTaken(error) || this.#rank === undefined || rank !== undefined) throw error;
      this.#rank = undefined;
      throw new ConnectionClosedError(errorMessage(error), { cause: error });
    }
  }
}
