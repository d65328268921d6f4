import type { Dataset } from "../data/dataset.ts";
import { ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { ClientSummary, type EvaluationSummary } from "../round/report/evaluation_summary.ts";
import { isUnsound } from "../round/report/means.ts";
import { evaluatedEvent, receivedEvent, refusedEvent } from "../round/report/update_events.ts";
import { UNTOLD_REASON } from "../plan/cannot_train.ts";
import { markOrdered, without } from "../round/selection/ranks.ts";
import type { TrainingExchange } from "../round/cohort/training_exchange.ts";
import { isRecoverable } from "../base/errors.ts";
import { meanResult } from "../round/report/means.ts";
import type { RankedResult } from "../round/report/client_results.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { confusionOf } from "../train/confusion.ts";
import { travellingPart } from "../train/models/travelling_part.ts";
import type { ParameterUpdatePayload } from "../wire/messages.ts";
import type { EvaluateResult } from "../plan/results.ts";
import type { ClientPool } from "./client_pool.ts";
import type { ClientLedgers } from "./client_ledgers.ts";
import type { ClientStates } from "./client_states.ts";
import { testJobs } from "./test_jobs.ts";
import { Traffic } from "./traffic.ts";
import { Intakes } from "./intakes.ts";
import { passOn, sumsOf } from "./update_intake.ts";
import { checkFigures, reasonOf } from "./update_payload.ts";

/** Parts of {@linkcode VirtualClients}. */
export interface VirtualClientsParts {
  readonly handler: SyncServerBackendHandler;
  readonly pool: ClientPool;
  readonly states: ClientStates;
  readonly numClients: number;
  /** Test data of the server. */
  readonly test?: Dataset | undefined;
  /** Ledgers of clients that keep their own data private. */
  readonly ledgers?: ClientLedgers | undefined;
  /** Called when a cohort's training is in the ledgers, before it begins. */
  readonly onEntered?: (() => Promise<void>) | undefined;
  /** Length of the counts of a `test` job. */
  readonly counts: number;
  readonly evaluateClients?: boolean | undefined;
  /** Set if the clients make masks, with secure aggregation. */
  readonly isMasked?: boolean | undefined;
  /** Names of the clients' sites. */
  readonly sites?: readonly string[] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
}

/** Clients of a simulation: a pool does the work that the server's handler asks of them. */
export class VirtualClients {
  readonly #parts: VirtualClientsParts;
  /** Ranks that were present when they were last asked for, and those lost since. */
  #present: readonly Rank[];
  readonly #lost = new Set<Rank>();
  /** Rank and reason of the client that was lost last. */
  #lastLoss = "";
  /** Vectors that a server would have received and sent. */
  readonly traffic: Traffic;
  readonly #intakes: Intakes;

  constructor(parts: VirtualClientsParts) {
    this.#parts = parts;
    const { manifest, model, plan: { rule } } = parts.handler;
    const part = travellingPart(manifest, model, rule), { length } = part ?? manifest;
    this.traffic = new Traffic(length * Float32Array.BYTES_PER_ELEMENT, parts.handler.codecs);
    this.#intakes = new Intakes(parts, part, this.traffic);
    const ranks: Rank[] = [];
    for (let rank = 1; rank <= parts.numClients; rank++) ranks.push(rank);
    this.#present = markOrdered(ranks);
  }

  /**
   * Ranks of the clients that have not failed, in ascending order. The list is the same one until
   * another client fails.
   *
   * @throws {Error} If all clients have failed.
   */
  get present(): readonly Rank[] {
    this.#present = without(this.#present, this.#lost);
    this.#lost.clear();
    if (this.#present.length === 0) throw new Error(`All clients are gone, ${this.#lastLoss}`);
    return this.#present;
  }

  /**
   * Makes the handlers of all clients and returns the number of samples of each, in the order of
   * ranks.
   *
   * @throws {Error} If a handler cannot be made, or has another manifest than the server.
   */
  async join(): Promise<number[]> {
    const { pool, signal, numClients } = this.#parts;
    const jobs = Array.from({ length: numClients }, (_, i) => ({
      kind: "join" as const,
      rank: i + 1,
    }));
    const samples: number[] = [];
    await pool.run(jobs, {
      signal,
      take: ({ rank }, outcome) => {
        if (outcome.kind === "joined") samples.push(outcome.numSamples);
        else {
          throw new Error(
            `Cannot simulate the client of rank ${rank}: ${reasonOf(outcome, "joined")}`,
          );
        }
      },
    });
    return samples;
  }

  /**
   * Trains a cohort and gives its updates to the server's handler. A client that fails is lost, as
   * one whose process has ended; a client that cannot train on these parameters stays.
   */
  async train(training: TrainingExchange): Promise<void> {
    const { handler, pool, states, signal, onEvent } = this.#parts;
    const { collector, collector: { round } } = training;
    const { sent } = training;
    await this.#publish(round, sent.parameters);
    // The vectors of an earlier try of the round do not count.
    states.discard();
    const intake = await this.#intakes.begin(training);
    if (intake === undefined) return;
    const able = await this.#parts.ledgers?.enter(training, handler, onEvent) ??
      training.collector.cohort;
    if (this.#parts.ledgers) await this.#parts.onEntered?.();
    await pool.run(able.map((rank) => ({ kind: "train" as const, round, rank })), {
      signal,
      own: ({ rank }) => states.read(rank),
      sums: sumsOf(intake, round),
      take: ({ rank }, outcome) => {
        this.traffic.addDown(rank, sent, round);
        if (handler.control) this.traffic.addWhole();
        if (outcome.kind !== "trained" && outcome.kind !== "summed") {
          const reason = reasonOf(outcome, "trained");
          if (outcome.kind === "failed" && outcome.stays) {
            const message = handler.secure ? UNTOLD_REASON : reason;
            collector.settle(rank, "refused", message, true);
            onEvent?.(refusedEvent(rank, { fault: "cannot-train", message }, { round }));
            return;
          }
          this.#lose(rank, reason);
          return collector.settle(rank, "dropped", reason);
        }
        let payload: ParameterUpdatePayload;
        try {
          payload = passOn(intake, { round, rank }, outcome);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          if (isRecoverable(error)) {
            // It does nothing where the server's handler has refused the update.
            training.refuse(rank, error);
            return onEvent?.(refusedEvent(rank, error, { round }));
          }
          this.#lose(rank, error.message);
          return collector.settle(rank, "dropped", error.message);
        }
        if (outcome.own) states.write(rank, outcome.own);
        onEvent?.(receivedEvent(training, rank, payload));
      },
    });
    await intake.finish();
  }

  /**
   * Evaluates the global parameters on the test data. Clients evaluate too where the option
   * `evaluateClients` says so, and where there are no test data.
   *
   * @param choose Selects the clients that evaluate. Default: all.
   */
  async evaluate(
    round: number,
    choose: (present: readonly Rank[]) => readonly Rank[] = (present) => present,
  ): Promise<EvaluationSummary> {
    const { handler, pool, states, test, signal, onEvent } = this.#parts;
    const { evaluateClients = false } = this.#parts;
    const { parameters, codecs } = handler;
    if (test) await this.#publish(round, parameters);
    const central = test && await this.#test(test);
    if (central && !evaluateClients) {
      return { evaluation: central, isUnsound: isUnsound([central]) };
    }
    const sent = codecs?.encodeEvaluated(parameters, round) ?? { parameters };
    if (!central || sent.coded) await this.#publish(round, sent.parameters);
    const clients = new ClientSummary();
    await pool.run(
      choose(this.present).map((rank) => ({ kind: "evaluate" as const, round, rank })),
      {
        signal,
        own: ({ rank }) => states.read(rank),
        take: ({ rank }, outcome) => {
          this.traffic.addDown(rank, sent, round + 1 >>> 0);
          if (outcome.kind !== "evaluated") {
            return this.#lose(rank, reasonOf(outcome, "evaluated"));
          }
          let result: RankedResult;
          try {
            const site = this.#parts.sites?.[rank - 1];
            const named = { rank, ...(site !== undefined && { site }) };
            result = { ...named, ...checkFigures(round, outcome.result) };
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
            return this.#lose(rank, error.message);
          }
          clients.add(result);
          onEvent?.(evaluatedEvent(round, result));
        },
      },
    );
    const { summary } = clients;
    return central ? { ...summary, evaluation: central, isUnsound: isUnsound([central]) } : summary;
  }

  #lose(rank: Rank, reason: string): void {
    this.#lost.add(rank);
    this.#lastLoss = `rank ${rank} last: ${reason}`;
  }

  async #publish(round: number, parameters: ParameterVector): Promise<void> {
    const { handler, pool } = this.#parts;
    const { control, seed } = handler;
    const plan = { ...handler.planFor(round), round, seed };
    const input = { plan, parameters, ...(control && { control }) };
    await pool.publish(input);
  }

  async #test({ length }: Dataset): Promise<EvaluateResult | undefined> {
    const { pool, signal } = this.#parts;
    const counts = new Uint32Array(this.#parts.counts);
    const results: EvaluateResult[] = [];
    const jobs = testJobs(length, this.#parts.handler.manifest.length);
    await pool.run(jobs, {
      signal,
      take: (_, outcome) => {
        if (outcome.kind !== "evaluated") throw new Error(reasonOf(outcome, "evaluated"));
        results.push(outcome.result);
        outcome.counts?.forEach((count, i) => counts[i] = (counts[i] ?? 0) + count);
      },
    });
    const result = meanResult(results);
    if (result?.accuracy === undefined || counts.length === 0) return result;
    return { ...result, confusion: confusionOf(counts) };
  }
}
