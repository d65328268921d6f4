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

/** Counter of the costs of each round, with the traffic since the round before. */
export class RoundCostCounter {
  readonly #takeSpilled: () => number;
  #refused = 0;
  #traffic: Traffic = { up: 0, down: 0 };
  #began = 0;
  /** Bytes that codecs have saved since the round before. */
  #saved = { up: 0, down: 0 };

  /**
   * Starts counting.
   *
   * @param takeSpilled Returns the bytes written to the file of early updates since its last call.
   */
  constructor(takeSpilled: () => number = () => 0) {
    this.#takeSpilled = takeSpilled;
  }

  /** Starts anew: what has happened before is no round's. */
  reset(traffic: Traffic): void {
    this.#refused = 0;
    this.#traffic = traffic;
    this.#saved = { up: 0, down: 0 };
  }

  /** Starts the clock of a round. */
  startRound(): void {
    this.#began = runtime.clock.now();
  }

  /** Counts a message that was refused. */
  countRefused(): void {
    this.#refused++;
  }

  /**
   * Counts what the codec of a message has saved.
   *
   * @param wholeBytes Bytes of a vector that is not encoded.
   */
  countVector(
    direction: "up" | "down",
    { code, payload }: Pick<Message, "code" | "payload">,
    wholeBytes: number,
  ): void {
    // Clients send figures only.
    if (direction === "up" && code === MessageCode.EvaluateParams) return;
    const { scales, codes, plain } = payload as Partial<CompressedUpdatePayload>;
    if (scales === undefined || codes === undefined) return;
    const bytes = scales.byteLength + codes.byteLength + (plain?.byteLength ?? 0);
    this.#saved[direction] += wholeBytes - bytes;
  }

  /** Gives the costs of a round that ends now. */
  endRound(traffic: Traffic): RoundCosts {
    const { up, down } = this.#traffic, refused = this.#refused;
    const saved = this.#saved, bytesSpilled = this.#takeSpilled();
    const bytesUp = traffic.up - up, bytesDown = traffic.down - down;
    this.reset(traffic);
    return {
      refused,
      bytesUp,
      bytesDown,
      ...(saved.up !== 0 && { bytesUpWhole: bytesUp + saved.up }),
      ...(saved.down !== 0 && { bytesDownWhole: bytesDown + saved.down }),
      ...(bytesSpilled > 0 && { bytesSpilled }),
      seconds: (runtime.clock.now() - this.#began) / 1000,
    };
  }
}
