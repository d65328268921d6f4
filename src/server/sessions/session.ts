import type { ProtocolError } from "../../base/errors.ts";
import { Refusals } from "../../base/limits/refusals.ts";
import type { Rank } from "../../base/rank.ts";
import type { Connection } from "../../net/connection.ts";
import { DEFAULT_LIMITS, FIELDS_BYTES, type WireLimits } from "../../wire/limits.ts";
import type { PeerAdmission } from "./peer_admission.ts";
import { type AgreedCodecs, NO_CODECS } from "./codec_agreement.ts";
import type { Receipts } from "./receipts.ts";
import { remoteAddress } from "./remote_address.ts";

/** Limits on what is read into memory of its own: a vector has a place. */
export const SESSION_LIMITS: WireLimits = { ...DEFAULT_LIMITS, controlBytes: FIELDS_BYTES };

/** Session of a client. Its rank belongs to the connection, whatever a message says. */
export class Session {
  readonly connection: Connection;
  /** Address of the client, for what clients of one address share; `undefined` in this process. */
  readonly address: string | undefined;
  /** Assigned rank. */
  rank: Rank | undefined;
  /** Proven identity, in the form of `checkProof()`. */
  identity: string | undefined;
  /** Codecs that client and server have agreed on. */
  codecs: AgreedCodecs = NO_CODECS;
  /** Reason for which the server has ended the session. */
  ended: ProtocolError | undefined;
  /** Set if the session has ended, even if its registration is still under way. */
  isOver = false;
  /** Receipts of the client, if it sends any. */
  receipts: Receipts | undefined;
  /** Number of messages that have not been sent completely. */
  sending = 0;
  /** Counter of its refused messages. */
  readonly refusals: Refusals = new Refusals();
  /** Admission of its connection. */
  readonly admission: PeerAdmission;

  constructor(connection: Connection, admission: PeerAdmission) {
    this.connection = connection;
    this.address = remoteAddress(connection.remote);
    this.admission = admission;
  }

  /**
   * Notes that a message was sent.
   *
   * @param onEnd Called when the client has received it, or at once if it sends no receipts.
   */
  sent(onEnd?: (isSent: boolean) => void): void {
    this.sending--;
    if (onEnd === undefined) return;
    if (this.receipts === undefined) onEnd(true);
    else this.receipts.wait(this.connection.bytesSent, onEnd);
  }

  /** Notes that the client has a rank: its connection is not evicted any more. */
  registered(): void {
    this.admission.registered();
  }
}
