import { publicKeyOf } from "../../auth/challenge.ts";
import { publicKeyBytes } from "../../auth/public_key.ts";
import type { ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { traced, type Tracer } from "../../base/tracer.ts";
import { evaluationFields, type EvaluationSummary } from "../../round/report/evaluation_summary.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import type { EvaluationExchange } from "../../round/cohort/evaluation_exchange.ts";
import { LastAcceptedRounds } from "../../round/cohort/last_accepted_rounds.ts";
import type { TrainingExchange } from "../../round/cohort/training_exchange.ts";
import { refusedEvent } from "../../round/report/update_events.ts";
import { firstTry } from "../../round/cohort/absent_ranks.ts";
import type { RoundReport } from "../../round/report/report.ts";
import type { CodedParameters, SentModel } from "../../round/handler/server_codecs.ts";
import type { RevokedUpdate } from "../../round/round_host.ts";
import { roundReport } from "../../round/run_round.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { ToldTraining } from "../../secure/told.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message, ParameterUpdatePayload } from "../../wire/messages.ts";
import type { ActiveRun, RoundTries } from "./active_run.ts";
import { checkSaved } from "./check_saved.ts";
import { codedFor, readsCodes } from "./parameters_messages.ts";
import type { ExchangeRunner } from "./exchange_runner.ts";
import { waitForClients } from "./gathering.ts";
import type { OpenSums } from "./open_sums.ts";
import { roundFigures } from "./round_figures.ts";
import { tellRefused } from "./refusal_lines.ts";
import type { RoundCosts } from "./round_costs.ts";
import type { RunContext } from "./run_context.ts";
import { sendTraced } from "./told_tracer.ts";

/** Operations of a run in progress. */
export class RunOperations implements ActiveRun {
  readonly tracer: Tracer | undefined;
  readonly #run: RunContext;
  readonly #exchanges: ExchangeRunner;
  readonly #accepted = new LastAcceptedRounds();

  constructor(run: RunContext, exchanges: ExchangeRunner) {
    this.#run = run;
    this.tracer = run.tracer;
    this.#exchanges = exchanges;
  }

  get told(): ToldTraining {
    return this.#run.told;
  }

  get openSums(): OpenSums {
    return this.#run.openSums;
  }

  get name(): string {
    return this.#run.record.name;
  }

  get signal(): AbortSignal | undefined {
    return this.#run.signal;
  }

  get rounds(): readonly RoundReport[] {
    return this.#run.record.rounds;
  }

  get lastEvaluation(): EvaluateResult | undefined {
    return this.#run.record.final;
  }

  get clients(): readonly Rank[] {
    return this.#run.sessions.registry.group.ranks;
  }

  get exchange(): TrainingExchange | EvaluationExchange | undefined {
    return this.#exchanges.open;
  }

  async waitForClients(least: number): Promise<readonly Rank[]> {
    return await waitForClients(this.#run, least);
  }

  async runExchange<Exchange extends TrainingExchange | EvaluationExchange>(
    exchange: Exchange,
  ): Promise<Exchange> {
    checkSaved(this.#run);
    return await this.#exchanges.runExchange(exchange);
  }

  sendParameters(rank: Rank): void {
    this.#exchanges.send(rank);
  }

  planField(round: number): Pick<ParameterUpdatePayload, "plan"> {
    return this.#exchanges.planField(round);
  }

  partFor(rank: Rank, parameters: ParameterVector): ParameterVector {
    return this.#run.subModels.sender({ parameters })(rank).parameters;
  }

  sendToCohort(): void {
    this.#exchanges.sendToCohort();
  }

  async collectAnswers(): Promise<void> {
    await this.#exchanges.collectAnswers();
  }

  disconnectSlowReceivers(): void {
    this.#exchanges.disconnectSlowReceivers();
  }

  async evaluate(round: number, ranks: readonly Rank[]): Promise<EvaluationSummary> {
    checkSaved(this.#run);
    const step = { name: "evaluate", round } as const;
    return await traced(this.tracer, step, () => this.#exchanges.evaluate(round, ranks));
  }

  send(rank: Rank, message: Message): boolean {
    const { costs, subModels } = this.#run;
    const isSent = sendTraced(this.#run, rank, message);
    if (isSent) costs.countVector("down", message, { whole: subModels.bytes });
    return isSent;
  }

  readsCodes(rank: Rank): boolean {
    return readsCodes(this.#run, rank);
  }

  codedFor(rank: Rank, sent: SentModel, number: number): CodedParameters | undefined {
    return codedFor(this.#run, rank, sent, number);
  }

  publicKeyOf(rank: Rank): Uint8Array<ArrayBuffer> | undefined {
    const key = publicKeyOf(this.#run.sessions.registry.group.get(rank)?.identity ?? "");
    return key === undefined ? undefined : publicKeyBytes(key);
  }

  isSending(rank: Rank): boolean {
    return this.#run.sessions.isSending(rank);
  }

  disconnect(rank: Rank, reason: string): void {
    this.#run.sessions.disconnect(rank, reason);
  }

  emit(event: ServerEvent): void {
    this.#run.emit(event);
  }

  warn(text: string): void {
    this.#run.logger.warn(text);
  }

  refuseUpdate({ fault, message }: ProtocolError, { rank, round, norm }: RevokedUpdate): void {
    const { costs, sessions } = this.#run;
    costs.countRefused();
    tellRefused(this.#run, rank, message);
    this.emit(refusedEvent(rank, { fault, message }, { round, norm }));
    sessions.send(rank, { code: MessageCode.Error, payload: { fault, message, fatal: false } });
  }

  countCannotTrain(rank: Rank, round: number, message: string): void {
    this.#run.costs.countRefused();
    tellRefused(this.#run, rank, `Rank ${rank} has no update: ${message}`);
    this.emit(refusedEvent(rank, { fault: "cannot-train", message }, { round }));
  }

  markAccepted({ collector: { round, cohort, absences } }: TrainingExchange): void {
    this.#accepted.add({ round, cohort, losses: absences });
  }

  unmarkAccepted(): void {
    this.#accepted.revert();
  }

  lastAcceptedRound(rank: Rank): number {
    return this.#accepted.get(rank, this.rounds);
  }

  async saveRelease(
    training: TrainingExchange,
    tries: RoundTries = firstTry(training.collector),
  ): Promise<void> {
    const { record, sessions, costs, topology: { handler } } = this.#run;
    const { round } = training.collector, spent = costs.soFar(sessions.bytes);
    const report = roundReport(round, { training, ...tries }, {}, spent, handler);
    await record.saveRelease(report, () => this.#run.saveRelease());
  }

  /**
   * Ends the round of a resumed closed run whose model was saved before it was told. The account
   * may be ahead of the checkpoint, and is saved first.
   */
  async endUntold(): Promise<void> {
    const { record, logger, topology: { handler: { privacy } } } = this.#run;
    if (record.lastRound === 0) return;
    if (privacy) await this.#run.saveRelease();
    const again = (privacy?.releases ?? 0) - record.lastRound;
    if (again > 0) logger.warn(`The account counts rounds that were told and are lost: ${again}`);
    const { untold } = record;
    if (untold === undefined) return;
    const evaluated = await this.#exchanges.evaluate(untold.round, []);
    record.final = evaluated.evaluation;
    this.#report({ ...untold, ...evaluationFields(evaluated) });
  }

  endRound(
    training: TrainingExchange,
    evaluated: EvaluationSummary,
    tries: RoundTries = firstTry(training.collector),
  ): void {
    const { record, sessions, costs, topology: { handler } } = this.#run;
    record.final = evaluated.evaluation;
    const { round } = training.collector, spent = costs.endRound(sessions.bytes);
    this.#report(roundReport(round, { training, ...tries }, evaluated, spent, handler));
  }

  recordRound(
    report: Omit<RoundReport, keyof RoundCosts>,
    evaluation: EvaluateResult | undefined,
  ): void {
    const { record, sessions, costs } = this.#run;
    record.final = evaluation;
    this.#report({ ...report, ...costs.endRound(sessions.bytes) });
  }

  #report(given: RoundReport): void {
    checkSaved(this.#run);
    const { record, logger, peers: { members }, topology } = this.#run;
    const { roundName, options, mode } = topology;
    const report = record.addRound(given);
    const { round, losses, outliers = [] } = report;
    const isSecret = topology.handler.privacy?.isCohortSecret ?? false;
    const figures = roundFigures(report, { isSecret, mode });
    const name = `${roundName} ${round}`, { rounds } = options;
    logger.info(`${name} of ${rounds}: ${figures}`);
    for (const { rank, reason } of losses) {
      members.warn(`rank ${rank}`, `${name} went on without rank ${rank}: ${reason}`);
    }
    for (const { rank, reason } of outliers) {
      members.warn(`rank ${rank}`, `${name} has an outlier of rank ${rank}: ${reason}`);
    }
    this.emit({ type: "round-ended", report });
    const why = record.stopped?.reason;
    if (why !== undefined) logger.info(`The run stops after ${name} of ${rounds}: ${why}`);
  }
}
