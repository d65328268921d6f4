import { DeadlineError, errorMessage, ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { AsyncServerBackendHandler } from "../../round/handler/async_server_backend_handler.ts";
import { KnownClients } from "../../round/handler/known_clients.ts";
import type { SentModel } from "../../round/handler/server_codecs.ts";
import { NonFiniteResultError } from "../../round/handler/result_check.ts";
import { figuresOf } from "../../round/report/update_events.ts";
import { mostExtreme } from "../../round/handler/update_bound.ts";
import { DEFAULT_ROUND_TRIES } from "../../round/limits.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import type { ActiveRun } from "../run/active_run.ts";
import { RefusedUpdates } from "./refused_updates.ts";
import type { Task } from "./tasks.ts";
import { Version } from "./version.ts";

/** Options of {@linkcode ModelVersions}. */
export interface ModelVersionsOptions {
  readonly handler: AsyncServerBackendHandler;
  readonly run: ActiveRun;
  /** Number of versions of the run. */
  readonly count: number;
  /** Clients that may still send an update: those that train or ask for work. */
  candidates(): Iterable<Rank>;
}

/** Versions of the model that a run makes, one after the other, from updates as they come. */
export class ModelVersions {
  /** Version that is being made; `undefined` before the first and after the last one. */
  current: Version | undefined;
  /** Error that ends the run: no client gives an update that can be accepted. */
  failure: DeadlineError | undefined;
  readonly #options: ModelVersionsOptions;
  readonly #known = new KnownClients();
  readonly #refused = new RefusedUpdates(DEFAULT_ROUND_TRIES);
  /** Number of the task of each client's last accepted update, as far as this process knows. */
  readonly #lastAccepted = new Map<Rank, number>();
  #made: number;
  /** Number of accepted updates, and of times that a version was taken back. */
  #changes: number;
  /** Copy of the newest parameters, made when a client is first sent them. */
  #newest: ParameterVector | undefined;
  /** Their last encoded form, for tasks of a number. */
  #sent: { task: number; base: ParameterVector; model: SentModel } | undefined;
  /** Number of versions in a row that were taken back. */
  #spoiled = 0;

  constructor(options: ModelVersionsOptions) {
    const { rounds } = options.run;
    this.#options = options;
    this.#made = rounds.length;
    this.#changes = rounds.reduce((sum, { received }) => sum + received, 0);
  }

  /** Number of versions that were made. */
  get made(): number {
    return this.#made;
  }

  /** True when no further version is to be made. */
  get isOver(): boolean {
    return this.current === undefined || this.#made === this.#options.count;
  }

  /** Number for a new task, which tells its update from one for an earlier task. */
  get nextTask(): number {
    return this.#changes + 1;
  }

  /** Newest parameters: a copy that stays as it is while it is sent and trained on. */
  get parameters(): ParameterVector {
    return this.#newest ??= this.#options.handler.parameters.slice();
  }

  /** Replaces the newest parameters. */
  set parameters(vector: ParameterVector) {
    this.#options.handler.parameters = vector;
    this.#newest = undefined;
  }

  /** Returns the newest parameters as clients with the codec of the downlink are sent them. */
  sentFor(task: number): SentModel {
    const { handler: { codecs } } = this.#options, { parameters } = this;
    if (codecs?.downlink === undefined) return { parameters };
    const last = this.#sent;
    if (last?.task === task && last.base === parameters) return last.model;
    const model = codecs.encodeModel(parameters, task);
    this.#sent = { task, base: parameters, model };
    return model;
  }

  /** Ranks that pause, because they have missed or spoiled versions. */
  get paused(): readonly Rank[] {
    return this.#known.paused(this.#made + 1);
  }

  /** Number of the task of the rank's last accepted update. */
  lastAccepted(rank: Rank): number | undefined {
    return this.#lastAccepted.get(rank);
  }

  /**
   * Accepts the update of a task.
   *
   * @throws {ProtocolError} If the update cannot be accepted.
   */
  accept(task: Task, version: Version, payload: ParameterUpdatePayload): void {
    const { handler, run, count } = this.#options, { rank: sender } = task;
    let norm: number;
    try {
      norm = handler.check(sender, payload, task);
    } catch (error) {
      this.#refuse(version, sender, errorMessage(error));
      throw error;
    }
    const staleness = this.#made - task.version;
    version.add(sender, staleness, payload, norm);
    try {
      version.isDone = handler.onReceive(sender, payload, { base: task.base, staleness });
    } catch (error) {
      if (!(error instanceof NonFiniteResultError)) throw error;
      return this.#takeBack(version, "the version's result is not finite");
    }
    handler.noteUpdate(sender, norm, payload);
    this.#refused.clear();
    this.#known.addUpdate(sender, { round: this.#made + 1 });
    this.#changes++;
    this.#lastAccepted.set(sender, task.round);
    run.emit({
      type: "update-received",
      round: this.#made + 1,
      rank: sender,
      received: version.cohort.length,
      expected: handler.updatesPerVersion,
      ...figuresOf(payload),
      norm,
    });
    if (!version.isDone) return;
    this.#newest = undefined;
    this.#made++;
    if (this.#made < count) this.current = new Version();
  }

  /**
   * Takes back the version that was made last, because it evaluates to no number while the version
   * before it does.
   *
   * @returns The number of the version that was taken back.
   * @throws {Error} If too many versions in a row were taken back.
   */
  unmake(version: Version): number {
    const problem = "the version evaluates to no number";
    if (++this.#spoiled > DEFAULT_ROUND_TRIES) {
      throw new Error(
        `Cannot make version ${this.#made}: ${problem}, whichever update is left out`,
      );
    }
    const bad = this.#made--;
    this.#takeBack(version, problem);
    return bad;
  }

  /** Notes that the version that was made last is sound. */
  markSound(): void {
    this.#spoiled = 0;
  }

  /** Notes that a client has not answered in time. */
  noteLate(rank: Rank): void {
    this.#known.addMiss(rank, this.#made + 1);
  }

  /** Forgets the refused updates of a client that has left. */
  forget(rank: Rank): void {
    this.#refused.forget(rank);
  }

  /** Counts a task without an accepted update. The run ends when no client may give one. */
  countRefused(rank: Rank, reason: string): void {
    this.#refused.add(rank);
    if (!this.#refused.isTooMany(this.#options.candidates())) return;
    this.failure ??= new DeadlineError(
      `Cannot make version ${
        this.#made + 1
      }: ${this.#refused.total} updates in a row were refused, the last one since: ${reason}`,
    );
  }

  #refuse(version: Version, rank: Rank, reason: string): void {
    version.miss(rank, reason);
    this.#known.addMiss(rank, this.#made + 1, true);
    this.countRefused(rank, reason);
  }

  /**
   * Takes back a version that one of its updates has spoiled, whether it was made already or not.
   * None of its updates counts, and the one that is farthest from the others is refused.
   */
  #takeBack(version: Version, problem: string): void {
    const { handler, run } = this.#options;
    handler.revertModel();
    this.#newest = undefined;
    this.#changes++;
    // The next version may have been begun already.
    const begun = this.current === version ? undefined : this.current;
    const next = this.current = Version.inPlaceOf(version, begun);
    const round = this.#made + 1;
    run.emit({ type: "round-retried", round, received: 0, quorum: handler.updatesPerVersion });
    const rank = mostExtreme(version.updates);
    if (rank === undefined) return;
    const message =
      `Cannot take the update of rank ${rank}: ${problem}, and it is the most extreme in it`;
    this.#refuse(next, rank, message);
    const { norm } = version.updates.get(rank) ?? {};
    run.refuseUpdate(new ProtocolError("out-of-bounds", message), { rank, round, norm });
  }
}
