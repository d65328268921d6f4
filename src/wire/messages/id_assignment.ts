/**
 * The message `IdAssignment`.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { type AnnouncedPrivacy, announcedPrivacySchema } from "../../plan/announced_privacy.ts";
import { type AllowedSettings, allowedSettingsSchema } from "../../plan/own_settings.ts";
import { finiteNumber, text, textLine, uint32, wholeNumber } from "../../plan/schemas.ts";
import { type TrainSettings, trainSettingsSchema } from "../../plan/settings.ts";
import { CODEC_LENGTH, digest, rank, round, sessionToken, worldSize } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** One tensor of the manifest, in order; offset and length follow from the ones before it. */
export interface TensorPayload {
  /** Unique name. */
  readonly name: string;
  /** Dimensions. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: string;
  /** `true` if training changes it by gradient. */
  readonly trainable: boolean;
}

/**
 * Mode in which server and clients work together: in rounds, each client at its own pace, or by
 * questions about the clients' data without a model.
 */
export type AgreementMode = "sync" | "async" | "statistics";

/** Payload of `IdAssignment`, server to client. */
export interface IdAssignmentPayload {
  /** The client's rank. */
  readonly rank: number;
  /** Size of the group, the server included. */
  readonly worldSize: number;
  /** Number of rounds of the run; in asynchronous mode, number of versions of the model. */
  readonly rounds: number;
  /** The run's name; a client discards its state of another run. */
  readonly run: string;
  /**
   * The session token, a secret of client and server, with which the client gets its rank back
   * after a lost connection.
   */
  readonly token: string;
  /** Seconds between heartbeats on an idle connection. */
  readonly heartbeatSeconds: number;
  /** Longest time without progress of the run that the server's time-outs allow, in seconds. */
  readonly patienceSeconds?: number;
  /** The round for which the server still awaits this rank's update; absent if it awaits none. */
  readonly awaits?: number;
  /** The run's seed. */
  readonly seed: number;
  /** Name of the aggregation algorithm. */
  readonly strategy: string;
  /**
   * Mode of the run.
   *
   * @default {"sync"}
   */
  readonly mode?: AgreementMode;
  /** Settings of local training. */
  readonly plan: TrainSettings;
  /**
   * Guarantee for the clients of a private run, after all rounds. Absent where the server gives
   * none. A client that requires one leaves.
   */
  readonly privacy?: AnnouncedPrivacy;
  /**
   * Privacy that the server recommends to its clients for their own data, such as
   * `"record:epsilon=8,delta=1e-5,clip=1"`. Each client decides by itself.
   */
  readonly clientPrivacy?: string;
  /** Settings that the client may choose itself; absent if it trains by the plan. */
  readonly allows?: AllowedSettings;
  /** The model's tensors. */
  readonly manifest: readonly TensorPayload[];
  /**
   * Number of parameters that travel, without those of frozen layers and of tensors that stay on
   * the clients; absent if all do.
   */
  readonly travels?: number;
  /** SHA-256 of the manifest, in hexadecimal. */
  readonly manifestDigest: string;
  /** The model's description; absent if every client brings its own. */
  readonly model?: Readonly<Record<string, unknown>>;
  /**
   * Schema of the data: the meaning of the model's inputs and outputs. Absent if the server has
   * none.
   */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** Digest of the schema, in hexadecimal. */
  readonly schemaDigest?: string;
  /**
   * Codec of the client's updates, one of those that it named. Absent if it sends them whole.
   */
  readonly uplink?: string;
  /**
   * Codec of the parameters that the client is sent, one of those that it named. Absent if it is
   * sent them whole. With `"+delta"` at its end they may come as differences.
   */
  readonly downlink?: string;
}

/** Answer to `Registration`: rank, model, manifest and settings of training. */
export const idAssignment = messageType(
  6,
  v.object({
    rank,
    worldSize,
    rounds: uint32(1),
    run: textLine(64),
    token: sessionToken,
    heartbeatSeconds: v.pipe(finiteNumber, v.gtValue(0), v.maxValue(600)),
    patienceSeconds: v.exactOptional(v.pipe(finiteNumber, v.gtValue(0), v.maxValue(1e8))),
    awaits: v.exactOptional(round),
    seed: uint32(0),
    strategy: textLine(64),
    mode: v.exactOptional(v.picklist(["sync", "async", "statistics"])),
    plan: trainSettingsSchema,
    privacy: v.exactOptional(announcedPrivacySchema),
    clientPrivacy: v.exactOptional(textLine(128)),
    allows: v.exactOptional(allowedSettingsSchema),
    manifest: v.array(v.object({
      name: text(256),
      shape: v.array(wholeNumber(0)),
      dtype: text(16),
      trainable: v.boolean(),
    })),
    travels: v.exactOptional(wholeNumber(0)),
    manifestDigest: digest,
    model: v.exactOptional(v.record(v.string(), v.unknown())),
    schema: v.exactOptional(v.record(v.string(), v.unknown())),
    schemaDigest: v.exactOptional(digest),
    uplink: v.exactOptional(textLine(CODEC_LENGTH)),
    downlink: v.exactOptional(textLine(CODEC_LENGTH)),
  }),
);
