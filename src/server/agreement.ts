import type { PeerLog } from "../base/log/peer_log.ts";
import { ProtocolError } from "../base/errors.ts";
import type { Logger } from "../base/log/log.ts";
import type { Rank } from "../base/rank.ts";
import type { Timeouts } from "../net/timeouts.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { keepsState } from "../plan/rules/rules.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type { AgreementMode, Message } from "../wire/messages.ts";
import { updateCodeFor } from "../round/cohort/update_message.ts";
import type { IncomingBody } from "../round/cohort/cohort_collector.ts";
import type { Registered } from "./sessions/member.ts";
import type { Sessions } from "./sessions/sessions.ts";
import type { ServerBackendHandler } from "../round/handler/server_backend_handler.ts";
import type { ServerTopologyOptions } from "./topology.ts";

/** What an agreement does about its clients, where agreements differ. */
export interface Agreement {
  readonly mode: AgreementMode;
  /** What a version of the model is called in the log, such as `"Round"`. */
  readonly word: string;
  /** The messages that it has besides updates, figures and `Exit`. */
  readonly codes: readonly MessageCode[];
  /** Whether a client was given something to do already. */
  readonly hasBegun: boolean;
  /** The parameters as clients are sent them. */
  readonly parameters: ParameterVector;
  /** The round for which the rank's update is awaited. */
  awaits(rank: Rank): number | undefined;
  /** The round of the rank's last update that is in the model, 0 for none; `undefined` where that is not known. */
  taken(rank: Rank): number | undefined;
  /** An update begins to come in, whose bytes `incoming` counts: whether it may be read. */
  admit(rank: Rank, incoming: IncomingBody): Promise<boolean>;
  /** An update that was let in has a buffer, and is read from now on. */
  started?(rank: Rank): void;
  /** What `admit` let in was taken in, refused, or broke off. */
  release(rank: Rank): void;
  /** Why an update is refused that was not admitted. */
  refusal(rank: Rank): ProtocolError;
  /** Acts on a message. */
  receive(rank: Rank, message: Message): Promise<void>;
  /** A client is ready, for the first time or again. */
  joined(client: Registered): void;
  /** A client's connection is lost. */
  away?(rank: Rank): void;
  /** A client is gone. */
  lost?(rank: Rank, reason: string): void;
}

/** The lines of the log whose number peers decide. */
export interface PeerLogs {
  /** Those about clients that have joined, each counted for its rank. */
  readonly members: PeerLog;
  /** Those about anyone else, counted for an address. */
  readonly strangers: PeerLog;
}

/** What there is while a run goes on. */
export interface Run {
  readonly peers: PeerLogs;
  readonly sessions: Sessions;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
}

/** What a topology gives of itself. */
export interface Parts {
  readonly handler: ServerBackendHandler;
  readonly options: Readonly<ServerTopologyOptions>;
  readonly timeouts: Timeouts;
}

/** The agreement has no such message from a client. */
export function unexpectedCode(
  rank: Rank,
  code: MessageCode,
  { plan }: ServerBackendHandler,
  { codes }: Agreement,
): ProtocolError {
  const known = [updateCodeFor(plan), ...codes, MessageCode.EvaluateParams];
  return new ProtocolError(
    "unexpected-code",
    `Cannot follow rank ${rank}: expected ${known.map(messageName).join(", ")} or Exit, got ${
      messageName(code)
    }`,
  );
}

/** Throws a `ProtocolError` for an update of the kind that the plan does not ask for. */
export function checkUpdateCode(
  rank: Rank,
  code: MessageCode,
  handler: ServerBackendHandler,
  agreement: Agreement,
): void {
  const isUpdate = code === MessageCode.ParameterUpdate || code === MessageCode.GradientUpdate;
  if (isUpdate && code !== updateCodeFor(handler.plan)) {
    throw unexpectedCode(rank, code, handler, agreement);
  }
}

/** What a client is told of its last update that was taken, where what it keeps goes by that. */
export function takenOf(
  { plan }: ServerBackendHandler,
  taken: number | undefined,
): { readonly taken?: number } {
  return taken !== undefined && keepsState(plan.rule) ? { taken } : {};
}
