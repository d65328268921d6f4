import type { Dataset } from "../data/dataset.ts";
import { ProtocolError } from "../errors.ts";
import type { Rank } from "../net/process_group.ts";
import { MeanLoss } from "../server/_mean_loss.ts";
import { meanResult } from "../server/_mean_result.ts";
import { type ClientFigures, clientFigures } from "../server/distribution.ts";
import type { ServerEvent } from "../server/events.ts";
import type { ParameterServerBackendHandler } from "../server/handler.ts";
import type { RoundReport } from "../server/report.ts";
import { confusionOf } from "../train/_confusion.ts";
import type { EvaluateResult } from "../train/handler.ts";
import type { Figures } from "./_board.ts";
import type { Pool } from "./_pool.ts";
import type { StateStore } from "./_states.ts";

/** Rows of the test data that one worker judges at a time. */
const TEST_ROWS = 1024;

/** What virtual clients are made of. */
export interface VirtualClientsParts {
  readonly handler: ParameterServerBackendHandler;
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

  constructor(parts: VirtualClientsParts) {
    this.#parts = parts;
  }

  /** Has a cohort train, gives the handler what it sends, and has it make the round's model. */
  async train(
    round: number,
    cohort: readonly Rank[],
  ): Promise<Pick<RoundReport, "received" | "losses" | "trainLoss">> {
    const { handler, pool, states, parts, signal, onEvent } = this.#parts;
    const { board } = pool;
    const losses: { rank: Rank; reason: string }[] = [];
    const trained = new MeanLoss();
    let received = 0;
    handler.beginRound(round, parts.length);
    this.#publish(round);
    await pool.run(cohort.map((rank) => ({ kind: "train" as const, round, rank })), {
      signal,
      prepare: ({ rank }, slot) => this.#lend(rank, slot),
      take: ({ rank }, outcome, slot) => {
        const taken = this.#take(rank, round, outcome, board.vector(slot));
        if (typeof taken === "string") {
          losses.push({ rank, reason: taken });
          return;
        }
        if (board.keepsState && board.hasState(slot)) states.write(rank, board.state(slot));
        received++;
        trained.add(taken);
        onEvent?.({
          type: "update-received",
          round,
          rank,
          received,
          expected: cohort.length,
        });
      },
    });
    for (const { rank } of losses) handler.onDrop(rank, round);
    if (received === 0) {
      throw new Error(
        `Round ${round} has no update: rank ${losses[0]?.rank}: ${losses[0]?.reason}`,
      );
    }
    handler.updateModel();
    const { mean: trainLoss } = trained;
    return { received, losses, ...(trainLoss !== undefined && { trainLoss }) };
  }

  /** Gives an update to the handler; the reason when there is none, or it is not sound. */
  #take(
    rank: Rank,
    round: number,
    outcome: Figures | string,
    parameters: Float32Array<ArrayBuffer>,
  ): Figures | string {
    if (typeof outcome === "string") return outcome;
    const { handler } = this.#parts;
    const { numSamples, steps, loss, accuracy, initialLoss } = outcome;
    const figures = Object.entries({ accuracy, initialLoss }).filter(([, value]) => !isNaN(value));
    const payload = {
      round,
      numSamples,
      steps,
      ...(Number.isFinite(loss) && { loss }),
      metrics: Object.fromEntries(figures),
      parameters,
    };
    try {
      handler.check(rank, payload);
    } catch (error) {
      if (error instanceof ProtocolError) return error.message;
      throw error;
    }
    handler.onReceive(rank, payload);
    return outcome;
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

  /** Judges the global parameters on the test data, and has the clients evaluate where that is asked for or there are no others. */
  async evaluate(
    round: number,
  ): Promise<
    { evaluation?: EvaluateResult | undefined; distribution?: ClientFigures | undefined }
  > {
    const { pool, test, parts, evaluateClients = false, signal } = this.#parts;
    this.#publish(round);
    const central = test && await this.#judge(test);
    if (test && !evaluateClients) return { evaluation: central };
    const results: EvaluateResult[] = [];
    await pool.run(parts.map((_, i) => ({ kind: "evaluate" as const, round, rank: i + 1 })), {
      signal,
      prepare: ({ rank }, slot) => this.#lend(rank, slot),
      take: (_, outcome) => void results.push(resultOf(outcome)),
    });
    return { evaluation: central ?? meanResult(results), distribution: clientFigures(results) };
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
    const take = (_: unknown, outcome: Figures | string) => void results.push(resultOf(outcome));
    await pool.run(jobs, { take, signal });
    const result = meanResult(results);
    if (result?.accuracy === undefined || counts.length === 0) return result;
    return { ...result, confusion: confusionOf(counts) };
  }
}

/** What an evaluation came to. Throws an `Error` with the reason when nothing did. */
function resultOf(outcome: Figures | string): EvaluateResult {
  if (typeof outcome === "string") throw new Error(outcome);
  const { numSamples, loss, accuracy } = outcome;
  return { numSamples, loss, ...(!isNaN(accuracy) && { accuracy }) };
}
