import type { Rank } from "../base/rank.ts";
import { vectorBytes } from "../codec/difference.ts";
import { HeldModels } from "../round/handler/held_models.ts";
import type { SentModel, ServerCodecs } from "../round/handler/server_codecs.ts";
import type { RoundReport } from "../round/report/report.ts";

/** Bytes of the vectors that a server would have received and sent. */
export class Traffic {
  /** Bytes of a vector that is not encoded. */
  readonly #wholeBytes: number;
  readonly #held: HeldModels | undefined;
  #up = 0;
  #down = 0;
  #upWhole = 0;
  #downWhole = 0;

  /** Starts at 0. */
  constructor(wholeBytes: number, codecs: ServerCodecs | undefined) {
    this.#wholeBytes = wholeBytes;
    this.#held = HeldModels.of(codecs);
  }

  /** Counts an update. */
  addUp(codedBytes = this.#wholeBytes): void {
    this.#up += codedBytes;
    this.#upWhole += this.#wholeBytes;
  }

  /** Counts a vector that a client is sent as it is. */
  addWhole(): void {
    this.#down += this.#wholeBytes;
    this.#downWhole += this.#wholeBytes;
  }

  /**
   * Counts parameters that a client is sent, encoded or not.
   *
   * @param number Number that the client knows them by from then on.
   */
  addDown(rank: Rank, { coded }: SentModel, number: number): void {
    if (coded === undefined) {
      this.#held?.forget(rank);
      return this.addWhole();
    }
    this.#down += vectorBytes(this.#held?.messageFor(rank, coded, number) ?? coded);
    this.#downWhole += this.#wholeBytes;
  }

  /** Returns the bytes since the last call. */
  take(): Pick<RoundReport, "bytesUp" | "bytesDown" | "bytesUpWhole" | "bytesDownWhole"> {
    const up = this.#up, down = this.#down, upWhole = this.#upWhole, downWhole = this.#downWhole;
    this.#up =
      this.#down =
      this.#upWhole =
      this.#downWhole =
        0;
    return {
      bytesUp: up,
      bytesDown: down,
      ...(upWhole !== up && { bytesUpWhole: upWhole }),
      ...(downWhole !== down && { bytesDownWhole: downWhole }),
    };
  }
}
