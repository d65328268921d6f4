/**
 * Server that asks its clients about their data.
 *
 * @module
 */

import { DeadlineError, errorMessage, ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import { DEFAULT_MIN_COUNT } from "../../data/statistics/limits.ts";
import { Survey } from "../../data/statistics/survey.ts";
import type {
  SiteAnswers,
  SiteQuestions,
  SurveyOptions,
  SurveyResult,
} from "../../data/statistics/survey_options.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { AgreementMode, StatisticsPayload } from "../../wire/messages.ts";
import { checkCount, type ServerTopologyOptions } from "../options.ts";
import type { MessageArguments } from "../run/server_topology.ts";
import type { JoinedClient } from "../sessions/registration.ts";
import { ServerCommunicationTopology } from "../topology.ts";
import type { ServerBackendHandler } from "../../round/handler/server_backend_handler.ts";
import { NoModelHandler } from "./no_model_handler.ts";
import { ClientGoneError, Pass } from "./pass.ts";

/** Options of {@linkcode ServerStatisticsTop}. */
export interface ServerStatisticsOptions extends
  Omit<
    ServerTopologyOptions,
    "rounds" | "quorum" | "roundTries" | "checkpoints" | "resume" | "saveTries" | "notes"
  > {
  /** Choice of the figures. */
  survey?: SurveyOptions;
  /**
   * Fewest rows of a client that a figure may be about. A client may ask for more.
   *
   * @default {5}
   */
  minCount?: number;
  /** Called with the summary before the run ends; what it throws stops the run. Default: no-op. */
  check?: (summary: SurveyResult) => void;
}

/** Most times that the clients are asked anew because one of them is gone. */
const MOST_TRIES = 20;

/**
 * Server that asks its clients about their data and has no model. The clients answer with figures
 * such as counts and sums, which it unites to a summary of all data. No row leaves a client.
 *
 * Every client is asked the same questions. When a client leaves for good, the others are asked
 * anew without it, as long as there are `minClients`.
 *
 * @example Figures of two tables
 * ```ts
 * import { ClientFollowingTop, silentLogger } from "@fedlab/core";
 * import { ServerStatisticsTop } from "@fedlab/core/server";
 * import { ClientSGDHandler, Dataset } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const group = { distBackend: "memory", logger: silentLogger } as const;
 * const options = { ...group, listen: "figures", worldSize: 3, minCount: 1 };
 * const server = new ServerStatisticsTop(options);
 * const clients = [3, 4].map((rows) => {
 *   const data = new Dataset(new Float32Array(2 * rows), new Int32Array(rows), [2], 2);
 *   return new ClientFollowingTop(new ClientSGDHandler({ data }), {
 *     ...group,
 *     serverAddr: "figures",
 *   });
 * });
 * await Promise.all([server.run(), ...clients.map((client) => client.run())]);
 * assertEquals(server.summary?.rows, 7);
 * assertEquals(server.summary?.classes, [["0", 7]]);
 * ```
 */
export class ServerStatisticsTop extends ServerCommunicationTopology<ServerBackendHandler> {
  /** Fewest rows of a client that a figure may be about. */
  readonly minCount: number;
  readonly #survey: SurveyOptions;
  readonly #check: (summary: SurveyResult) => void;
  readonly #sites = new Map<Rank, string>();
  #current: Survey | undefined;
  #pass: Pass | undefined;
  #passes = 0;
  #summary: SurveyResult | undefined;
  #ranks: readonly Rank[] = [];

  /**
   * Creates a server; nothing is opened before `run`.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor(options: ServerStatisticsOptions) {
    const { survey = {}, minCount = DEFAULT_MIN_COUNT, check = () => {}, ...rest } = options;
    checkCount("minCount", minCount, 1);
    super(new NoModelHandler(), { ...rest, rounds: 1 });
    this.minCount = minCount;
    this.#survey = survey;
    this.#check = check;
  }

  /** Summary of the data of all clients, once the run is over. */
  get summary(): SurveyResult | undefined {
    return this.#summary;
  }

  /** Ranks of the clients that the summary is of. */
  get ranks(): readonly Rank[] {
    return this.#ranks;
  }

  /** Always `"statistics"`: clients answer questions. */
  override get mode(): AgreementMode {
    return "statistics";
  }

  /** The only round is a survey. */
  override get roundName(): string {
    return "Survey";
  }

  /** Clients send answers. */
  override get messageCodes(): readonly MessageCode[] {
    return [MessageCode.Statistics];
  }

  /** True while clients are asked. */
  override get hasBegun(): boolean {
    return this.#current !== undefined;
  }

  /** Asks all clients, and again those that are left when one of them leaves. */
  protected override async runRound(round: number): Promise<void> {
    const run = this.activeRun;
    const { minClients, worldSize } = this.options;
    const least = minClients ?? worldSize - 1;
    for (let tries = 1;; tries++) {
      const cohort = await run.waitForClients(least);
      run.emit({ type: "round-started", round, rounds: 1, cohort });
      try {
        this.#summary = await this.#ask(cohort);
      } catch (error) {
        if (!(error instanceof ClientGoneError) || tries >= MOST_TRIES) throw error;
        run.warn(`${errorMessage(error)}; asking the others anew`);
        continue;
      } finally {
        this.#current = undefined;
        this.#pass = undefined;
      }
      this.#check(this.#summary);
      for (const note of this.#summary.notes) run.warn(note);
      this.#ranks = cohort;
      const received = cohort.length;
      return run.recordRound({ round, cohort, received, dropped: 0, tries, losses: [] }, undefined);
    }
  }

  async #ask(cohort: readonly Rank[]): Promise<SurveyResult> {
    const survey = this.#current = new Survey(
      cohort.map((rank) => this.#nameOf(rank)),
      this.#survey,
    );
    const course = survey.run();
    let step = course.next();
    while (!step.done) step = course.next(await this.#askPass(cohort, step.value));
    return step.value;
  }

  async #askPass(cohort: readonly Rank[], questions: SiteQuestions): Promise<SiteAnswers> {
    const asked = new Map(cohort.flatMap((rank) => {
      const question = questions.get(this.#nameOf(rank));
      return question === undefined ? [] : [[rank, question] as const];
    }));
    const pass = this.#pass = new Pass(++this.#passes, asked);
    const run = this.activeRun;
    const present = await run.waitForClients(1);
    const gone = cohort.find((rank) => !present.includes(rank));
    if (gone !== undefined) throw new ClientGoneError(gone, "it has left");
    for (const rank of asked.keys()) this.#send(rank);
    const seconds = this.timeouts.roundSeconds;
    const late = () => new DeadlineError("late");
    try {
      await withDeadline(pass.done, { seconds, late, signal: run.signal });
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      const reason = `no answer within ${seconds} seconds`;
      for (const rank of pass.pending) run.disconnect(rank, reason);
      throw new ClientGoneError(pass.pending[0] ?? 0, reason);
    }
    return new Map([...pass.answers].map(([rank, answer]) => [this.#nameOf(rank), answer]));
  }

  /** Returns the name of a client in messages, such as `rank 2 (Basel)`. */
  #nameOf(rank: Rank): string {
    return `rank ${rank}${this.#sites.get(rank) ?? ""}`;
  }

  /** Sends a rank its question; a client that is away gets it when it comes back. */
  #send(rank: Rank): void {
    const pass = this.#pass;
    const question = pass?.pendingQuestion(rank);
    if (pass === undefined || question === undefined) return;
    const { marks = [] } = this.#survey;
    this.activeRun.send(rank, {
      code: MessageCode.StatisticsRequest,
      payload: {
        ...{ id: pass.id, minCount: this.minCount, question },
        ...(marks.length > 0 && { missing: marks }),
      },
    });
  }

  /** Takes answers and everything that the base class takes. */
  override onReceive(sender: Rank, ...message: MessageArguments): void | Promise<void> {
    if (message[0] !== MessageCode.Statistics) return super.onReceive(sender, ...message);
    this.#take(sender, message[1]);
  }

  #take(sender: Rank, { id, answer }: StatisticsPayload): void {
    const pass = this.#pass;
    const question = pass?.id === id ? pass.pendingQuestion(sender) : undefined;
    if (pass === undefined || question === undefined) {
      throw new ProtocolError(
        "wrong-round",
        `Cannot take the statistics of rank ${sender}: expected ${
          pass === undefined ? "none" : `those of request ${pass.id} once`
        }, got those of request ${id}`,
      );
    }
    try {
      this.#current?.check(this.#nameOf(sender), question, answer);
    } catch (cause) {
      throw new ProtocolError("invalid-field", errorMessage(cause), { cause });
    }
    pass.take(sender, answer);
  }

  /** Asks a client that has come back for the answer that is still expected of it. */
  override onJoin({ rank, site }: JoinedClient): void {
    // A survey that is under way keeps the names that it began with.
    if (!this.hasBegun) this.#sites.set(rank, site === undefined ? "" : ` (${site})`);
    this.#send(rank);
  }

  /** Ends a survey whose client has left: its earlier answers must not count. */
  override onLeave(rank: Rank, reason: string): void {
    this.#pass?.fail(new ClientGoneError(rank, reason));
  }
}
