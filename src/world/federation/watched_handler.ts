import type { Rank } from "../../base/rank.ts";
import type { SyncParameterServerHandlerOptions } from "../../round/handler/options.ts";
import { SyncParameterServerHandler } from "../../round/handler/sync_handler.ts";
import type { RingVector } from "../../secure/quantize.ts";
import type { Ring } from "../../secure/ring.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import type { History } from "../history.ts";

/** Handler that writes down which updates it takes in. */
export class WatchedHandler extends SyncParameterServerHandler {
  readonly #history: History;
  #round = 0;

  constructor(options: SyncParameterServerHandlerOptions, history: History) {
    super(options);
    this.#history = history;
  }

  override beginRound(round: number, numClients: number): void {
    this.#round = round;
    this.#history.add({ type: "opened", round });
    super.beginRound(round, numClients);
  }

  override onReceive(sender: Rank, payload: ParameterUpdatePayload): void {
    const { parameters } = payload;
    this.#history.add({
      ...{ type: "taken", round: this.#round, rank: sender },
      vector: parameters.slice(),
    });
    super.onReceive(sender, payload);
  }

  override takeSum(ring: Ring, sums: RingVector, ranks: readonly Rank[]): void {
    this.#history.add({ type: "summed", round: this.#round, ranks: [...ranks] });
    super.takeSum(ring, sums, ranks);
  }
}
