import type { RunRecord } from "../round/record/run_record.ts";
import type {
  HandlerState,
  ServerBackendHandler,
} from "../round/handler/server_backend_handler.ts";
import type { ClientStates } from "./client_states.ts";

/**
 * The last whole round of a run. It can be saved while the next round is under way, whose
 * parameters replace its own only at the end of that round.
 */
export class LastRound {
  readonly #handler: ServerBackendHandler;
  readonly #record: RunRecord;
  readonly #states: ClientStates;
  #last: { readonly round: number; readonly state: HandlerState } | undefined;
  #isKept = false;

  constructor(handler: ServerBackendHandler, record: RunRecord, states: ClientStates) {
    this.#handler = handler;
    this.#record = record;
    this.#states = states;
  }

  /**
   * Notes that a round has ended. The state of the handler is copied, since a strategy may change
   * it in the next round.
   */
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
    this.#last = { round, state };
    this.#isKept = false;
  }

  /**
   * Saves the run as that round left it, and returns the path.
   *
   * @param isAgain Set where a round is saved again, with a later account.
   * @returns `undefined` if the round is saved already, or has no report yet.
   */
  async keep(isAgain = false): Promise<string | undefined> {
    const last = this.#last;
    if (last?.round !== this.#record.lastRound || (this.#isKept && !isAgain)) return undefined;
    const path = await this.#record.save(() => ({ tokens: [] }), this.#states.save(), last.state);
    this.#isKept = true;
    return path;
  }
}
