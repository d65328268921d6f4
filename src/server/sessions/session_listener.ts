import type { KeyListChange } from "../../auth/allowed_keys.ts";
import type { ProtocolError } from "../../base/errors.ts";
import type { PeerLog } from "../../base/log/peer_log.ts";
import type { Rank } from "../../base/rank.ts";
import type { BodyPlace } from "../../net/connection_options.ts";
import type { IncomingBody } from "../../round/cohort/answer.ts";
import type { FrameHeader } from "../../wire/frame.ts";
import type { Message } from "../../wire/messages.ts";
import type { JoinedClient } from "./registration.ts";

/** Lines of the log whose number peers decide. */
export interface PeerLogs {
  /** Lines about clients that have joined, limited for each rank. */
  readonly members: PeerLog;
  /** Lines about any other peer, limited for each address. */
  readonly strangers: PeerLog;
}

/** Listener to the sessions of a server. */
export interface SessionListener {
  /** Number that heartbeats carry; it changes whenever the run makes progress. */
  progress(): number;
  /** Round for which an update of the rank is expected. */
  pendingRound(rank: Rank): number | undefined;
  /** Gives the place for the body of a message; `undefined` refuses the body. */
  place(rank: Rank, header: FrameHeader, body: IncomingBody): BodyPlace | Promise<BodyPlace>;
  /** Takes back a result of `place`. */
  release(rank: Rank, place: NonNullable<BodyPlace>): void;
  /**
   * Acts on a message; `undefined` stands for one whose body was refused.
   *
   * @throws {ProtocolError} If the message is refused.
   */
  receive(rank: Rank, message: Message | undefined): void | Promise<void>;
  /** Called when a client is ready, for the first time or again. */
  joined(client: JoinedClient): void;
  /** Called when a client's connection is lost; the client is expected back. */
  disconnected(rank: Rank, reason: string): void;
  /** Called when a client has left, broke the protocol, or stayed away for too long. */
  left(rank: Rank, reason: string): void;
  /** Called when a client's message was refused, whether the client stays or not. */
  messageRefused(): void;
  /** Called when the sender of a refused message stays. */
  recovered(rank: Rank, error: ProtocolError): void;
  /** Called when a peer was refused before it had joined. */
  peerRefused(remote: string, error: unknown): void;
  /** Called when the list of keys was read again, or could not be. */
  keysChanged(change: KeyListChange | Error): Promise<void>;
}
