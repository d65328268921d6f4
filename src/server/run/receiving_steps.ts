import type { Rank } from "../../base/rank.ts";
import type { EndStep } from "../../base/tracer.ts";
import type { RunContext } from "./run_context.ts";

/** Steps of updates that are being read, for the observer of a run. */
export class ReceivingSteps {
  readonly #run: Pick<RunContext, "tracer" | "topology">;
  readonly #ends = new Map<Rank, EndStep>();

  constructor(run: Pick<RunContext, "tracer" | "topology">) {
    this.#run = run;
  }

  /** Begins the step of an update whose first bytes have come. */
  begin(rank: Rank): void {
    const { tracer, topology } = this.#run;
    const round = tracer && topology.pendingRound(rank);
    if (tracer === undefined || round === undefined) return;
    this.end(rank, "another update begins");
    this.#ends.set(rank, tracer.begin({ name: "receive", round, rank }));
  }

  /** Ends the step of an update, if there is one: the update is whole, or there is a problem. */
  end(rank: Rank, problem?: string): void {
    const end = this.#ends.get(rank);
    if (end === undefined) return;
    this.#ends.delete(rank);
    end(problem === undefined ? undefined : new Error(problem));
  }
}
