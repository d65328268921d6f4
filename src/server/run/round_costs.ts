import { runtime } from "../../base/runtime/runtime.ts";
import type { RoundReport } from "../../round/report/report.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { CompressedUpdatePayload, Message } from "../../wire/messages.ts";

/** Costs of a round in its report. */
export type RoundCosts = Pick<
  RoundReport,
  | "refused"
  | "bytesUp"
  | "bytesDown"
  | "bytesUpWhole"
  | "bytesDownWhole"
  | "bytesSpilled"
  | "seconds"
>;

/** Bytes received from and sent to clients. */
interface Traffic {
  readonly up: number;
  readonly down: number;
}

/** Sizes of a vector between the server and a client. */
export interface VectorSizes {
  /** Bytes of a vector that is not encoded. */
  readonly whole: number;
  /** Bytes of an update by the codec that was agreed on; absent without one. */
  readonly coded?: number | undefined;
}

/** Options of {@linkcode RoundCostCounter}. */
export interface RoundCostOptions {
  /** Returns the bytes written to the file of early updates since its last call. */
  readonly takeSpilled?: () => number;
  /**
   * Counts each update as large as agreed on: its bytes as sent depend on the client's data, by its
   * number of samples and by values that are too large for a codec.
   */
  readonly isPrivate?: boolean;
}

/** Counter of the costs of each round, with the traffic since the round before. */
export class RoundCostCounter {
  readonly #takeSpilled: () => number;
  readonly #isPrivate: boolean;
  #refused = 0;
  #traffic: Traffic = { up: 0, down: 0 };
  #began = 0;
  /** Bytes that codecs have saved since the round before. */
  #saved = { up: 0, down: 0 };
  /** Bytes of the updates since the round before, as agreed on. */
  #agreed = 0;

  /** Starts counting. */
  constructor({ takeSpilled = () => 0, isPrivate = false }: RoundCostOptions = {}) {
    this.#takeSpilled = takeSpilled;
    this.#isPrivate = isPrivate;
  }

  /** Starts anew: what has happened before is no round's. */
  reset(traffic: Traffic): void {
    this.#refused = 0;
    this.#traffic = traffic;
    this.#saved = { up: 0, down: 0 };
    this.#agreed = 0;
  }

  /** Starts the clock of a round. */
  startRound(): void {
    this.#began = runtime.clock.now();
  }

  /** Counts a message that was refused. */
  countRefused(): void {
    this.#refused++;
  }

  /** Counts what the codec of a message has saved. */
  countVector(
    direction: "up" | "down",
    { code, payload }: Pick<Message, "code" | "payload">,
    { whole, coded = whole }: VectorSizes,
  ): void {
    // Clients send figures only.
    if (direction === "up" && code === MessageCode.EvaluateParams) return;
    if (direction === "up" && this.#isPrivate) {
      this.#agreed += coded;
      this.#saved.up += whole - coded;
      return;
    }
    const { scales, codes, plain } = payload as Partial<CompressedUpdatePayload>;
    if (scales === undefined || codes === undefined) return;
    const bytes = scales.byteLength + codes.byteLength + (plain?.byteLength ?? 0);
    this.#saved[direction] += whole - bytes;
  }

  /** Gives the costs of the round so far, without what was written to the file. */
  soFar(traffic: Traffic): Pick<RoundCosts, "refused" | "bytesUp" | "bytesDown" | "seconds"> {
    return {
      refused: this.#refused,
      bytesUp: traffic.up - this.#traffic.up,
      bytesDown: traffic.down - this.#traffic.down,
      seconds: (runtime.clock.now() - this.#began) / 1000,
    };
  }

  /** Gives the costs of a round that ends now. */
  endRound(traffic: Traffic): RoundCosts {
    const { up, down } = this.#traffic, refused = this.#refused;
    const saved = this.#saved, spilled = this.#takeSpilled(), isPrivate = this.#isPrivate;
    const bytesUp = isPrivate ? this.#agreed : traffic.up - up, bytesDown = traffic.down - down;
    this.reset(traffic);
    return {
      refused,
      bytesUp,
      bytesDown,
      ...(saved.up !== 0 && { bytesUpWhole: bytesUp + saved.up }),
      ...(saved.down !== 0 && { bytesDownWhole: bytesDown + saved.down }),
      ...(spilled > 0 && !isPrivate && { bytesSpilled: spilled }),
      seconds: (runtime.clock.now() - this.#began) / 1000,
    };
  }
}
