import type { ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { Timeouts } from "../../net/timeouts.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { ServerBackendHandler } from "../../round/handler/server_backend_handler.ts";
import type { UpdateStart } from "../../round/handler/server_codecs.ts";
import type { IncomingBody } from "../../round/cohort/answer.ts";
import { keepsState } from "../../plan/rules/rules.ts";
import type { MessageCode } from "../../wire/message_code.ts";
import type { AgreementMode, ErrorPayload, MessageOf } from "../../wire/messages.ts";
import type { ServerTopologyOptions } from "../options.ts";
import type { JoinedClient } from "../sessions/registration.ts";

/** Code and payload of a message as arguments; the code determines the type of the payload. */
export type MessageArguments = {
  [Code in MessageCode]: [code: Code, payload: MessageOf<Code>["payload"]];
}[MessageCode];

/**
 * Server topology as the parts of its run see it: its configuration and its overridable methods,
 * which `ServerCommunicationTopology` documents.
 */
export interface ServerTopology {
  readonly handler: ServerBackendHandler;
  readonly options: Readonly<ServerTopologyOptions>;
  readonly timeouts: Timeouts;
  readonly mode: AgreementMode;
  readonly roundName: string;
  readonly messageCodes: readonly MessageCode[];
  readonly hasBegun: boolean;
  readonly parametersToSend: ParameterVector;
  performExchange(): Promise<void>;
  pendingRound(rank: Rank): number | undefined;
  startOf(rank: Rank): UpdateStart | undefined;
  lastAcceptedRound(rank: Rank): number | undefined;
  admitUpdate(rank: Rank, incoming: IncomingBody): boolean | Promise<boolean>;
  startUpdate(rank: Rank): void;
  holdUpdate(rank: Rank): void;
  releaseUpdate(rank: Rank): void;
  unexpectedUpdate(rank: Rank): ProtocolError;
  onReceive(sender: Rank, ...message: MessageArguments): void | Promise<void>;
  onCannotTrain(sender: Rank, notice: ErrorPayload): void;
  onJoin(client: JoinedClient): void;
  onDisconnect(rank: Rank, reason: string): void;
  onLeave(rank: Rank, reason: string): void;
}

/**
 * Field of a message that tells a client the round of its last accepted update, where the client's
 * rule keeps state.
 */
export function lastAcceptedField(
  topology: ServerTopology,
  rank: Rank,
): { readonly taken?: number } {
  if (!keepsState(topology.handler.plan.rule)) return {};
  const taken = topology.lastAcceptedRound(rank);
  return taken === undefined ? {} : { taken };
}
