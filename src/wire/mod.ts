/**
 * The wire: message codes, payloads, frames.
 *
 * @module
 */

import { loadEncoder } from "./cbor.ts";

export * from "./frame.ts";
export * from "./limits.ts";
export { isBulk, isMessageCode, MessageCode, messageName } from "./message_code.ts";
export type {
  AgreementMode,
  AuthMethod,
  ChallengePayload,
  CompressedUpdatePayload,
  EmptyPayload,
  ErrorPayload,
  EvaluateParamsPayload,
  ExitPayload,
  GradientUpdatePayload,
  HeartbeatPayload,
  IdAssignmentPayload,
  MaskedUpdatePayload,
  Message,
  MessageName,
  MessageOf,
  MessageTable,
  ParameterUpdatePayload,
  Payload,
  ProofPayload,
  ReadyPayload,
  RegistrationPayload,
  SecureKeysPayload,
  SecureMembersPayload,
  SecureSharesPayload,
  StatisticsAnswer,
  StatisticsPayload,
  StatisticsQuestion,
  StatisticsRequestPayload,
  SurvivorListPayload,
  SurvivorVotePayload,
  TensorPayload,
  UnmaskRequestPayload,
  UnmaskSharesPayload,
} from "./messages.ts";
export type { MessageType } from "./messages/message_type.ts";
export type { SecureMember } from "./messages/secure_members.ts";
export type {
  BinGroup,
  ClassesAnswer,
  ColumnFigures,
  ColumnKind,
  ColumnsAnswer,
  DeviationsAnswer,
  HistogramsAnswer,
  NumberForm,
  ValueCount,
} from "./messages/statistics.ts";
export type {
  ClassesQuestion,
  ColumnsQuestion,
  DeviationsQuestion,
  HistogramsQuestion,
  MissingMarks,
} from "./messages/statistics_request.ts";

// Programs that encode frames themselves need not load anything first.
await loadEncoder();
