/**
 * Differential privacy: accountants, noise, and strategies that use them.
 *
 * @module
 */

export * from "./accounting/gaussian.ts";
export * from "./accounting/pld.ts";
export * from "./accounting/rdp.ts";
export * from "./central_privacy.ts";
export * from "./client/create.ts";
export * from "./client/dp_sgd.ts";
export * from "./client/local_privacy.ts";
export type { ClientPrivacyOptions } from "./client/options.ts";
export * from "./client/parse.ts";
export * from "./distributed/accounting.ts";
export * from "./distributed/distributed_privacy.ts";
export { ClippedShare, type MemberShare } from "./distributed/member_share.ts";
export * from "./distributed/noise_share.ts";
export * from "./ledger/client_ledger.ts";
export * from "./ledger/ledger_file.ts";
export * from "./mechanism/adaptive_clip.ts";
export * from "./mechanism/banded.ts";
export * from "./noise/discrete_gaussian.ts";
export * from "./noise/random_words.ts";
export type { CentralPrivacyOptions } from "./options.ts";
export * from "./parse.ts";
