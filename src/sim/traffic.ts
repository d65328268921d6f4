import type { CodedVector } from "../codec/vector_coder.ts";
import type { RoundReport } from "../round/report/report.ts";

/** Bytes of the vectors that a server would have received and sent. */
export class Traffic {
  /** Bytes of a vector that is not encoded. */
  readonly #wholeBytes: number;
  #up = 0;
  #down = 0;
  #upWhole = 0;
  #downWhole = 0;

  /** Starts at 0. */
  constructor(wholeBytes: number) {
    this.#wholeBytes = wholeBytes;
  }

  /** Counts an update. */
  addUp(codedBytes = this.#wholeBytes): void {
    this.#up += codedBytes;
    this.#upWhole += this.#wholeBytes;
  }

  /** Counts parameters that a client is sent, encoded or not. */
  addDown(coded?: CodedVector): void {
    this.#downWhole += this.#wholeBytes;
    this.#down += coded === undefined
      ? this.#wholeBytes
      : coded.scales.byteLength + coded.codes.byteLength + (coded.plain?.byteLength ?? 0);
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
