import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { HandlerState } from "../../round/handler/server_backend_handler.ts";
import { SyncParameterServerHandler } from "../../round/handler/sync_handler.ts";
import { ClearSum } from "../../secure/clear_sum.ts";
import { LANES, quantizeUpdate } from "../../secure/quantize.ts";
import type { FederationPlan } from "../federation/plan.ts";
import { syncOptions } from "../federation/server_parts.ts";
import { figuresOf, meanSquare } from "../federation/step_handler.ts";

/** Update of a client for the reference. */
export interface ReferenceUpdate {
  readonly rank: Rank;
  /** Number of the client, from 1. */
  readonly client: number;
  /** Parameters with which its training began, and its result. */
  readonly start: ParameterVector;
  readonly result: ParameterVector;
}

/** State after a round. */
interface Saved {
  readonly parameters: ParameterVector;
  readonly state: HandlerState;
}

/**
 * Second server of a plan: its strategy is told the updates alone, in order of rank. It knows
 * nothing of sessions, attempts, buffers and checkpoints.
 */
export class Reference {
  readonly #plan: FederationPlan;
  readonly #saved = new Map<number, Saved>();
  #handler: SyncParameterServerHandler;
  #round = 0;

  /** Creates the server of a plan before its first round. */
  constructor(plan: FederationPlan) {
    this.#plan = plan;
    this.#handler = new SyncParameterServerHandler(syncOptions(plan));
    this.#save(0);
  }

  /** Model after the last round. */
  get model(): ParameterVector {
    return this.#handler.parameters;
  }

  /** Number of the last round. */
  get round(): number {
    return this.#round;
  }

  /**
   * Goes on from the end of a round, as a server that has started again; from the round before it
   * where the first server has saved that round and not told of it.
   */
  goOnFrom(round: number): void {
    const last = this.#saved.has(round) ? round : round - 1, saved = this.#saved.get(last);
    if (saved === undefined) throw new RangeError(`Cannot go on: round ${round} has not been`);
    this.#round = last;
    this.#handler = new SyncParameterServerHandler(syncOptions(this.#plan));
    this.#handler.parameters = saved.parameters;
    this.#handler.restoreState(copyOf(saved.state));
  }

  /** Makes the model of a round. */
  make(round: number, updates: readonly ReferenceUpdate[]): void {
    const handler = this.#handler, { clients, strategy } = this.#plan;
    const inOrder = updates.toSorted((a, b) => a.rank - b.rank);
    handler.beginRound(round, clients);
    if (handler.secure === undefined) {
      for (const { rank, client, start, result } of inOrder) {
        const loss = meanSquare(start), figures = { ...figuresOf(client), loss };
        const metrics = strategy === "qfedavg" ? { initialLoss: loss } : {};
        handler.onReceive(rank, { round, ...figures, metrics, parameters: result.slice() });
      }
    } else this.#takeSum(round, inOrder);
    handler.updateModel();
    this.#save(round);
  }

  #takeSum(round: number, updates: readonly ReferenceUpdate[]): void {
    const { secure, seed } = this.#handler, { length } = this.model;
    if (secure === undefined) return;
    const sum = new ClearSum(length + LANES);
    for (const { rank, client, start, result } of updates) {
      const change = new Float32Array(length).map((_, i) => (result[i] ?? 0) - (start[i] ?? 0));
      const { numSamples: samples, steps } = figuresOf(client);
      const figures = { samples, steps, loss: meanSquare(start) };
      sum.add(quantizeUpdate(secure.ring, change, figures, { seed, round, rank }));
    }
    this.#handler.takeSum(secure.ring, sum.finish(), updates.map(({ rank }) => rank));
  }

  #save(round: number): void {
    this.#round = round;
    const { parameters } = this.#handler;
    this.#saved.set(round, {
      parameters: parameters.slice(),
      state: copyOf(this.#handler.saveState()),
    });
  }
}

/** Copies a state; its vectors may be views of a large memory. */
function copyOf({ vectors, ...state }: HandlerState): HandlerState {
  const copies = Object.entries(vectors ?? {}).map(([name, vector]) => [name, vector.slice()]);
  return { ...structuredClone(state), ...(vectors && { vectors: Object.fromEntries(copies) }) };
}
