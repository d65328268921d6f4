/**
 * The message `Ready`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { type OwnSettings, ownSettingsSchema } from "../../plan/own_settings.ts";
import { wholeNumber } from "../../plan/schemas.ts";
import { digest, round } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Payload of `Ready`, client to server. */
export interface ReadyPayload {
  /** SHA-256 of the manifest of the model that the client built. */
  readonly manifestDigest: string;
  /** Number of its training samples, at least 1. */
  readonly numSamples: number;
  /**
   * `true` if the client keeps its data private: `numSamples` is 1 then, here and in its updates,
   * whatever it has.
   */
  readonly private?: boolean;
  /**
   * The round that the client is training in or has trained for; its update follows without being
   * asked for.
   */
  readonly round?: number;
  /**
   * Digest of the schema by which the client has arranged its data. Required by a server that has
   * one.
   */
  readonly schemaDigest?: string;
  /**
   * SHA-256 of the values of frozen layers and of tensors that stay on the clients, as this client
   * has them. Says that the client sends only the parameters that travel.
   */
  readonly stays?: string;
  /**
   * `true` if the client tells by a `Heartbeat` with `received` when it has received a vector, as
   * clients of large models do.
   */
  readonly receipts?: boolean;
  /**
   * Number of the encoded parameters that the client still has, of an earlier connection; with
   * `holds`, where the server sends differences.
   */
  readonly base?: number;
  /** SHA-256 of those parameters as they are encoded whole: scales, codes and plain values. */
  readonly holds?: string;
  /** Settings of training that the client uses in place of the server's. */
  readonly own?: OwnSettings;
}

/** Notice of a client that it has built the model and is ready to train. */
export const ready = messageType(
  9,
  v.object({
    manifestDigest: digest,
    numSamples: wholeNumber(1),
    private: v.exactOptional(v.boolean()),
    round: v.exactOptional(round),
    schemaDigest: v.exactOptional(digest),
    stays: v.exactOptional(digest),
    receipts: v.exactOptional(v.boolean()),
    base: v.exactOptional(round),
    holds: v.exactOptional(digest),
    own: v.exactOptional(ownSettingsSchema),
  }),
);
