/**
 * Rounds: handlers of the global model, client selection, reports and events.
 *
 * @module
 */

export type { IncomingBody } from "./cohort/answer.ts";
export type {
  CohortCollector,
  CohortCollectorOptions,
  Outcome,
} from "./cohort/cohort_collector.ts";
export type { EvaluationExchange } from "./cohort/evaluation_exchange.ts";
export { TrainingExchange } from "./cohort/training_exchange.ts";
export { AsyncParameterServerHandler } from "./handler/async_handler.ts";
export type { AsyncParameterServerHandlerOptions } from "./handler/async_handler.ts";
export { AsyncServerBackendHandler } from "./handler/async_server_backend_handler.ts";
export type { UpdateOrigin } from "./handler/async_server_backend_handler.ts";
export { DEFAULT_PLAN } from "./handler/client_plan.ts";
export type { ServerHandlerOptions, SyncParameterServerHandlerOptions } from "./handler/options.ts";
export { ServerBackendHandler } from "./handler/server_backend_handler.ts";
export type { HandlerState } from "./handler/server_backend_handler.ts";
export type { ClaimedBase } from "./handler/held_models.ts";
export type {
  CodedParameters,
  SentModel,
  ServerCodecs,
  ServerCodecsOptions,
  UpdateStart,
} from "./handler/server_codecs.ts";
export type { ServerStrategy } from "./handler/server_strategy.ts";
export { StrategyServerHandler } from "./handler/strategy_handler.ts";
export { SyncParameterServerHandler } from "./handler/sync_handler.ts";
export {
  ParameterServerBackendHandler,
  SyncServerBackendHandler,
} from "./handler/sync_server_backend_handler.ts";
export type { OutOfBounds } from "./handler/sync_server_backend_handler.ts";
export type { SummedUpdates, SumTerms } from "./handler/summed_updates.ts";
export { DEFAULT_UPDATE_BOUND } from "./handler/update_bound.ts";
export type { UpdateFigures } from "./handler/update_bound.ts";
export { DEFAULT_QUORUM, DEFAULT_ROUND_TRIES } from "./limits.ts";
export { DEFAULT_SAVE_TRIES } from "./record/checkpoint_saver.ts";
export { savedSchema } from "./record/saved_run.ts";
export type {
  ClientEvaluation,
  ClientTraining,
  RankedResult,
  TrainingFields,
} from "./report/client_results.ts";
export type { ClientFigures, Distribution } from "./report/distribution.ts";
export type { Absence, CohortAbsence, OverdueRank } from "./report/absence.ts";
export type { EvaluationSummary } from "./report/evaluation_summary.ts";
export type { ServerEvent } from "./report/events.ts";
export type { BestModel } from "./record/best_tracker.ts";
export type { StoppingOptions } from "./record/run_monitor.ts";
export type {
  BestRound,
  EarlyStop,
  FinalReport,
  MemberReport,
  PlanChange,
  RoundReport,
  RunReport,
} from "./report/report.ts";
export type { RevokedUpdate } from "./round_host.ts";
export { RunControl } from "./run_control.ts";
export { parseSecureAggregation, type SecureAggregationOptions } from "./secure/options.ts";
export type { SecureRoundReport, SecureRunReport } from "./secure/report.ts";
export type { SecureTerms } from "./secure/terms.ts";
export * from "./selection/mod.ts";
