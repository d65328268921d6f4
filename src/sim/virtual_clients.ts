import type { Dataset } from "../data/dataset.ts";
import { ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import type { EvaluationSummary } from "../round/report/evaluation_summary.ts";
import { isUnsound } from "../round/report/means.ts";
import { receivedEvent, refusedEvent } from "../round/report/update_events.ts";
import type { TrainingExchange } from "../round/cohort/training_exchange.ts";
import { isRecoverable } from "../base/errors.ts";
import { meanOfClients, meanResult } from "../round/report/means.ts";
import { clientFigures } from "../round/report/distribution.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { confusionOf } from "../train/confusion.ts";
import type { EvaluateResult } from "../plan/results.ts";
import type { ParameterUpdatePayload } from "../wire/messages.ts";
import { Failure, type Figures } from "./board.ts";
import type { Pool } from "./pool.ts";
import type { StateStore } from "./states.ts";

/** Rows of the test data that one worker judges at a time. */
const TEST_ROWS = 1024;

/** What virtual clients are made of. */
export interface VirtualClientsParts {
  readonly handler: SyncServerBackendHandler;
  readonly pool: Pool;
  readonly states: StateStore;
  /** The rows of each client. */
  readonly parts: readonly ArrayLike<number>[];
  readonly test?: Dataset;
  readonly evaluateClients?: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onEvent?: (event: ServerEvent) => void;
}

/** The clients of a simulation: what the handler asks of a cohort, the pool's workers do in the clients' place. */
export class VirtualClients {
  readonly #parts: VirtualClientsParts;
  readonly #present: Set<Rank>;
  /** Who was the last to go, and why. */
  #farewell = "";
  /** Vectors that a server would have got and sent. */
  readonly vectors = { up: 0, down: 0 };

  constructor(parts: VirtualClientsParts) {
    this.#parts = parts;
    this.#present = new Set(parts.parts.map((_, i) => i + 1));
  }

  /** The ranks of those that have not failed, in order. Throws an `Error` with a reason when all have. */
  get present(): readonly Rank[] {
    if (this.#present.size === 0) throw new Error(`All clients are gone, ${this.#farewell}`);
    return [...this.#present];
  }

  /**
   * Has a cohort train and gives the handler what it sends. Who fails is there no more, as a client
   * whose process has ended; who cannot train stays.
   */
  async train(training: TrainingExchange): Promise<void> {
    const { handler, pool, states, signal, onEvent } = this.#parts;
    const { board } = pool;
    const { collector, collector: { round, cohort } } = training;
    this.#publish(round);
    // Of a try before this one nothing counts.
    states.discard();
    await pool.run(cohort.map((rank) => ({ kind: "train" as const, round, rank })), {
      signal,
      prepare: ({ rank }, slot) => this.#lend(rank, slot),
      take: ({ rank }, outcome, slot) => {
        this.vectors.down += handler.control ? 2 : 1;
        if (outcome instanceof Failure) {
          const { reason, stays } = outcome;
          if (stays) {
            collector.settle(rank, "refused", reason, true);
            onEvent?.(refusedEvent(rank, { fault: "cannot-train", message: reason }, { round }));
            return;
          }
          this.#lose(rank, reason);
          return collector.settle(rank, "dropped", reason);
        }
        this.vectors.up++;
        const update = updateOf(round, outcome, board.vector(slot));
        try {
          training.acceptNext(rank, update);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          if (isRecoverable(error)) onEvent?.(refusedEvent(rank, error, { round }));
          else this.#lose(rank, error.message);
          return;
        }
        if (board.keepsState && board.hasState(slot)) states.write(rank, board.state(slot));
        onEvent?.(receivedEvent(training, rank, update));
      },
    });
  }

  #lose(rank: Rank, reason: string): void {
    this.#present.delete(rank);
    this.#farewell = `rank ${rank} last: ${reason}`;
  }

  /** Puts what every client gets before the workers. */
  #publish(round: number): void {
    const { handler, pool: { board } } = this.#parts;
    board.global.set(handler.parameters);
    if (handler.control) board.control.set(handler.control);
    board.settings = { ...handler.plan, round, seed: handler.seed };
  }

  /** Puts what a client has kept before the worker that is the client next. */
  #lend(rank: Rank, slot: number): void {
    const { states, pool: { board } } = this.#parts;
    if (board.keepsState) board.setHasState(slot, states.read(rank, board.state(slot)));
  }

  /**
   * Judges the global parameters on the test data, and has the clients evaluate where that is asked
   * for or there are no test data: those that `choose` gives of all that are present.
   */
  async evaluate(
    round: number,
    choose: (present: readonly Rank[]) => readonly Rank[] = (present) => present,
  ): Promise<EvaluationSummary> {
    const { pool, test, evaluateClients = false, signal } = this.#parts;
    this.#publish(round);
    const central = test && await this.#judge(test);
    if (central && !evaluateClients) {
      return { evaluation: central, isUnsound: isUnsound([central]) };
    }
    const results: EvaluateResult[] = [];
    await pool.run(
      choose(this.present).map((rank) => ({ kind: "evaluate" as const, round, rank })),
      {
        signal,
        prepare: ({ rank }, slot) => this.#lend(rank, slot),
        take: ({ rank }, outcome) => {
          this.vectors.down++;
          if (outcome instanceof Failure) this.#lose(rank, outcome.reason);
          else results.push(resultOf(outcome));
        },
      },
    );
    return {
      evaluation: central ?? meanOfClients(results),
      clients: clientFigures(results),
      isUnsound: isUnsound(central ? [central] : results),
    };
  }

  async #judge({ length }: Dataset): Promise<EvaluateResult | undefined> {
    const { pool, signal } = this.#parts;
    const { counts } = pool.board;
    counts.fill(0);
    const results: EvaluateResult[] = [];
    const jobs = Array.from({ length: Math.ceil(length / TEST_ROWS) }, (_, i) => ({
      kind: "test" as const,
      from: i * TEST_ROWS,
      to: Math.min((i + 1) * TEST_ROWS, length),
    }));
    const take = (_: unknown, outcome: Figures | Failure) => {
      if (outcome instanceof Failure) throw new Error(outcome.reason);
      results.push(resultOf(outcome));
    };
    await pool.run(jobs, { take, signal });
    const result = meanResult(results);
    if (result?.accuracy === undefined || counts.length === 0) return result;
    return { ...result, confusion: confusionOf(counts) };
  }
}

/** What a client has sent. */
function updateOf(
  round: number,
  { numSamples, steps, loss, accuracy, initialLoss }: Figures,
  parameters: Float32Array<ArrayBuffer>,
): ParameterUpdatePayload {
  // As a client leaves them out.
  const figures = Object.entries({ accuracy, initialLoss })
    .filter(([, value]) => Number.isFinite(value));
  return {
    round,
    numSamples,
    steps,
    ...(Number.isFinite(loss) && { loss }),
    metrics: Object.fromEntries(figures),
    parameters,
  };
}

function resultOf({ numSamples, loss, accuracy }: Figures): EvaluateResult {
  return { numSamples, loss, ...(!isNaN(accuracy) && { accuracy }) };
}
