/**
 * The table of messages, from which their codes, names and types derive.
 *
 * @module
 */

import { challenge, type ChallengePayload } from "./messages/challenge.ts";
import { compressedUpdate, type CompressedUpdatePayload } from "./messages/compressed_update.ts";
import { error, type ErrorPayload } from "./messages/error.ts";
import { evaluateParams, type EvaluateParamsPayload } from "./messages/evaluate_params.ts";
import { exit, type ExitPayload } from "./messages/exit.ts";
import { gradientUpdate, type GradientUpdatePayload } from "./messages/gradient_update.ts";
import { heartbeat, type HeartbeatPayload } from "./messages/heartbeat.ts";
import { idAssignment, type IdAssignmentPayload } from "./messages/id_assignment.ts";
import { maskedUpdate, type MaskedUpdatePayload } from "./messages/masked_update.ts";
import { secureKeys, type SecureKeysPayload } from "./messages/secure_keys.ts";
import { secureMembers, type SecureMembersPayload } from "./messages/secure_members.ts";
import { secureShares, type SecureSharesPayload } from "./messages/secure_shares.ts";
import { survivorList, type SurvivorListPayload } from "./messages/survivor_list.ts";
import { survivorVote, type SurvivorVotePayload } from "./messages/survivor_vote.ts";
import { unmaskRequest, type UnmaskRequestPayload } from "./messages/unmask_request.ts";
import { unmaskShares, type UnmaskSharesPayload } from "./messages/unmask_shares.ts";
import type { MessageType } from "./messages/message_type.ts";
import { type EmptyPayload, parameterRequest } from "./messages/parameter_request.ts";
import { parameterUpdate, type ParameterUpdatePayload } from "./messages/parameter_update.ts";
import { proof, type ProofPayload } from "./messages/proof.ts";
import { ready, type ReadyPayload } from "./messages/ready.ts";
import { registration, type RegistrationPayload } from "./messages/registration.ts";
import { statistics, type StatisticsPayload } from "./messages/statistics.ts";
import { statisticsRequest, type StatisticsRequestPayload } from "./messages/statistics_request.ts";

export type { ChallengePayload } from "./messages/challenge.ts";
export type { CompressedUpdatePayload } from "./messages/compressed_update.ts";
export type { ErrorPayload } from "./messages/error.ts";
export type { EvaluateParamsPayload } from "./messages/evaluate_params.ts";
export type { ExitPayload } from "./messages/exit.ts";
export type { GradientUpdatePayload } from "./messages/gradient_update.ts";
export type { HeartbeatPayload } from "./messages/heartbeat.ts";
export type { MaskedUpdatePayload } from "./messages/masked_update.ts";
export type { SecureKeysPayload } from "./messages/secure_keys.ts";
export type { SecureMembersPayload } from "./messages/secure_members.ts";
export type { SecureSharesPayload } from "./messages/secure_shares.ts";
export type { SurvivorListPayload } from "./messages/survivor_list.ts";
export type { SurvivorVotePayload } from "./messages/survivor_vote.ts";
export type { UnmaskRequestPayload } from "./messages/unmask_request.ts";
export type { UnmaskSharesPayload } from "./messages/unmask_shares.ts";
export type {
  AgreementMode,
  IdAssignmentPayload,
  TensorPayload,
} from "./messages/id_assignment.ts";
export type { EmptyPayload } from "./messages/parameter_request.ts";
export type { ParameterUpdatePayload } from "./messages/parameter_update.ts";
export type { AuthMethod, ProofPayload } from "./messages/proof.ts";
export type { ReadyPayload } from "./messages/ready.ts";
export type { RegistrationPayload } from "./messages/registration.ts";
export type { StatisticsAnswer, StatisticsPayload } from "./messages/statistics.ts";
export type {
  StatisticsQuestion,
  StatisticsRequestPayload,
} from "./messages/statistics_request.ts";

/** The messages by name, each with its code and the check of its payload. */
export interface MessageTable {
  /** Request of a client for the current model. */
  readonly ParameterRequest: MessageType<0, EmptyPayload>;
  /** Gradient of a client. */
  readonly GradientUpdate: MessageType<1, GradientUpdatePayload>;
  /** Parameters: the server's to train on, or a client's after training. */
  readonly ParameterUpdate: MessageType<2, ParameterUpdatePayload>;
  /** Parameters to evaluate, and the figures in answer. */
  readonly EvaluateParams: MessageType<3, EvaluateParamsPayload>;
  /** End of the run; the other side answers with the same message. */
  readonly Exit: MessageType<4, ExitPayload>;
  /** Request of a client to join. */
  readonly Registration: MessageType<5, RegistrationPayload>;
  /** Answer to `Registration`: rank, model, manifest and settings of training. */
  readonly IdAssignment: MessageType<6, IdAssignmentPayload>;
  /** Sign of life. */
  readonly Heartbeat: MessageType<7, HeartbeatPayload>;
  /** Report of a fault of the other side. */
  readonly Error: MessageType<8, ErrorPayload>;
  /** Notice of a client that it has built the model and is ready to train. */
  readonly Ready: MessageType<9, ReadyPayload>;
  /** Request of the server that a client prove its identity. */
  readonly Challenge: MessageType<10, ChallengePayload>;
  /** Proof of a client's identity. */
  readonly Proof: MessageType<11, ProofPayload>;
  /** Question of the server about the data of a client. */
  readonly StatisticsRequest: MessageType<20, StatisticsRequestPayload>;
  /** Answer of a client to a question about its data. */
  readonly Statistics: MessageType<21, StatisticsPayload>;
  /** Parameters as `ParameterUpdate` has them, encoded by a codec. */
  readonly CompressedUpdate: MessageType<22, CompressedUpdatePayload>;
  /** Public keys of a client for one attempt at a round of secure aggregation. */
  readonly SecureKeys: MessageType<24, SecureKeysPayload>;
  /** Members among whom a client shares its secrets. */
  readonly SecureMembers: MessageType<25, SecureMembersPayload>;
  /** Sealed shares of secrets, which the server passes on and cannot read. */
  readonly SecureShares: MessageType<26, SecureSharesPayload>;
  /** Update of a client under masks. */
  readonly MaskedUpdate: MessageType<27, MaskedUpdatePayload>;
  /** Members whose updates have arrived, for the clients to sign. */
  readonly SurvivorList: MessageType<28, SurvivorListPayload>;
  /** Signature of a list of survivors. */
  readonly SurvivorVote: MessageType<29, SurvivorVotePayload>;
  /** Request for the shares by which the masks are taken away. */
  readonly UnmaskRequest: MessageType<30, UnmaskRequestPayload>;
  /** Shares of secrets that a client holds. */
  readonly UnmaskShares: MessageType<31, UnmaskSharesPayload>;
}

/** The messages by name, with the types that their schemas have. */
export const messageTypes = {
  ParameterRequest: parameterRequest,
  GradientUpdate: gradientUpdate,
  ParameterUpdate: parameterUpdate,
  EvaluateParams: evaluateParams,
  Exit: exit,
  Registration: registration,
  IdAssignment: idAssignment,
  Heartbeat: heartbeat,
  Error: error,
  Ready: ready,
  Challenge: challenge,
  Proof: proof,
  StatisticsRequest: statisticsRequest,
  Statistics: statistics,
  CompressedUpdate: compressedUpdate,
  SecureKeys: secureKeys,
  SecureMembers: secureMembers,
  SecureShares: secureShares,
  MaskedUpdate: maskedUpdate,
  SurvivorList: survivorList,
  SurvivorVote: survivorVote,
  UnmaskRequest: unmaskRequest,
  UnmaskShares: unmaskShares,
};

/** The messages by name. */
export const MESSAGES: MessageTable = messageTypes;

/** Name of a message, such as `"ParameterUpdate"`. */
export type MessageName = keyof MessageTable;

/** A message: its code and its payload. */
export type Message = ReturnType<MessageTable[MessageName]["check"]>;

/** The message of a code. */
export type MessageOf<Code extends Message["code"]> = Extract<Message, { readonly code: Code }>;

/** Payload of any message. */
export type Payload = Message["payload"];
