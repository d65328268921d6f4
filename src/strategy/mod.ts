/**
 * Aggregation.
 *
 * @module
 */

export * from "./asynchronous/async_strategy.ts";
export {
  constantStaleness,
  hingeStaleness,
  polynomialStaleness,
  type StalenessFunction,
} from "./asynchronous/staleness.ts";
export * from "./client_side/client_side.ts";
export type { MemberSettings, PrivacyReport, PrivacyTerms, PrivateSelection } from "./privacy.ts";
export * from "./registry.ts";
export * from "./server_optimizer/server_optimizer.ts";
export * from "./strategy.ts";
export { ExactSums } from "./sums/exact_sums.ts";
export { SumStrategy } from "./sums/sum_strategy.ts";
export type {
  Aggregation,
  Contribution,
  SumKind,
  SumRound,
  Sums,
  SumShape,
  SumTerm,
} from "./sums/sums.ts";
export * from "./wrapped.ts";
