import type { RunRecord } from "../round/record/run_record.ts";
import type {
  HandlerState,
  ServerBackendHandler,
} from "../round/handler/server_backend_handler.ts";
import type { StateStore } from "./states.ts";

/** The last whole round of a run, which is kept also when the next one is begun already: its parameters are there until that one is over. */
export class LastRound {
  readonly #handler: ServerBackendHandler;
  readonly #record: RunRecord;
  readonly #states: StateStore;
  #unkept: { readonly round: number; readonly state: HandlerState } | undefined;

  constructor(handler: ServerBackendHandler, record: RunRecord, states: StateStore) {
    this.#handler = handler;
    this.#record = record;
    this.#states = states;
  }

  /** The round's model is made. What the handler has besides is copied: a strategy may change it before the next round is over. */
  ended(round: number): void {
    const { json, clients, vectors } = this.#handler.saveState();
    const state = {
      ...structuredClone({ json, clients }),
      ...(vectors && {
        vectors: Object.fromEntries(
          Object.entries(vectors).map(([name, vector]) => [name, vector.slice()]),
        ),
      }),
    };
    this.#unkept = { round, state };
  }

  /** Keeps the run as that round left it; gives the file, or nothing when it is kept already or the round has no report yet. */
  async keep(): Promise<string | undefined> {
    const unkept = this.#unkept;
    if (unkept?.round !== this.#record.rounds.length) return undefined;
    const path = await this.#record.save({ tokens: [] }, this.#states.save(), unkept.state);
    this.#unkept = undefined;
    return path;
  }
}
