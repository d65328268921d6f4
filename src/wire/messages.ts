/**
 * What each message carries.
 *
 * @module
 */

import type { ParameterVector } from "../params/manifest.ts";
import type { Metrics } from "../plan/results.ts";
import type { TrainSettings } from "../plan/settings.ts";
import type { MessageCode } from "./message_code.ts";

/** `ParameterRequest`: nothing but the code. */
export type EmptyPayload = Readonly<Record<never, never>>;

/** `Heartbeat`, both ways. */
export interface HeartbeatPayload {
  /** From the server: a number that is another one whenever the run has got on. */
  readonly progress?: number;
}

/** `Registration`, client to server. */
export interface RegistrationPayload {
  /** The rank the client wants, 1 to `worldSize - 1`; without it the server gives the lowest free one. */
  readonly rank?: number;
  /** The world size the client was told of, the server included; compared with the server's. */
  readonly worldSize?: number;
  /** The session token of an earlier connection in the same run: the client wants its rank back. */
  readonly token?: string;
  /** The client's software and version, for the server's log. */
  readonly agent: string;
}

/** One tensor of the manifest, in order; offset and length follow. */
export interface TensorPayload {
  /** Unique name. */
  readonly name: string;
  /** Dimensions. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: string;
  /** Whether training changes it by gradient. */
  readonly trainable: boolean;
}

/** How server and clients agree to work: in rounds, or each client at its own pace. */
export type AgreementMode = "sync" | "async";

/** `IdAssignment`, server to client. */
export interface IdAssignmentPayload {
  /** The client's rank. */
  readonly rank: number;
  /** Size of the group, the server included. */
  readonly worldSize: number;
  /** Number of rounds of the run; without rounds, of versions of the model that it makes. */
  readonly rounds: number;
  /** The run's name: what a client knows of another run is worth nothing in this one. */
  readonly run: string;
  /** The session token with which the client gets its rank back after a lost connection; a secret between the two. */
  readonly token: string;
  /** Seconds between signs of life on an idle connection. */
  readonly heartbeatSeconds: number;
  /** The longest for which the run may make no progress, by the server's time-outs, in seconds. */
  readonly patienceSeconds?: number;
  /** The round for which the server still awaits this rank's update; absent when it awaits none. */
  readonly awaits?: number;
  /** The run's seed. */
  readonly seed: number;
  /** Name of the aggregation algorithm. */
  readonly strategy: string;
  /** How the two work together. Default: `"sync"`. */
  readonly mode?: AgreementMode;
  /** Settings of local training. */
  readonly plan: TrainSettings;
  /** The model's tensors. */
  readonly manifest: readonly TensorPayload[];
  /** SHA-256 of the manifest, in hexadecimal. */
  readonly manifestDigest: string;
  /** The model's description; absent when every client brings its own. */
  readonly model?: Readonly<Record<string, unknown>>;
}

/** `Ready`, client to server. */
export interface ReadyPayload {
  /** SHA-256 of the manifest of the model that the client built. */
  readonly manifestDigest: string;
  /** Number of its training samples, at least 1. */
  readonly numSamples: number;
  /** The round that the client is training in or has trained for; its update follows without being asked for. */
  readonly round?: number;
}

/** How a client proves who it is: by a signature, or by knowing a shared token. */
export type AuthMethod = "ed25519" | "token";

/** `Challenge`, server to client, in answer to `Registration`. */
export interface ChallengePayload {
  /** 32 random bytes in hexadecimal, for this connection alone. */
  readonly nonce: string;
  /** The proofs that the server takes: an {@linkcode AuthMethod}, or what a later version may add. */
  readonly methods: readonly string[];
  /** The server's name, 1 to 256 characters. */
  readonly server: string;
  /** The run's name, at most 64 characters. */
  readonly run: string;
}

/** `Proof`, client to server, in answer to `Challenge`. */
export interface ProofPayload {
  /** What the proof is. */
  readonly method: AuthMethod;
  /** Of `"ed25519"`: the client's public key, 32 bytes in base64url without padding. */
  readonly publicKey?: string;
  /** The Ed25519 signature of 64 bytes, or the HMAC-SHA-256 of 32 bytes, in hexadecimal. */
  readonly signature: string;
}

/** `ParameterUpdate`, both ways. */
export interface ParameterUpdatePayload {
  /** The round, from 1. */
  readonly round: number;
  /** From the server: settings for this round alone, in place of the assignment's. */
  readonly plan?: TrainSettings;
  /** From a client: number of samples it trained on. */
  readonly numSamples?: number;
  /** From a client: number of SGD steps. */
  readonly steps?: number;
  /** From a client: mean training loss of the last local epoch. */
  readonly loss?: number;
  /** From a client: further figures. */
  readonly metrics?: Metrics;
  /** The parameter vector. */
  readonly parameters: ParameterVector;
  /** From the server, where the round's rule is `scaffold`: its control variate, laid out as the parameter vector. */
  readonly control?: ParameterVector;
  /** From the server, where a client keeps a vector: the round of the last update of this client that is in the model; 0 for none. */
  readonly taken?: number;
}

/** `GradientUpdate`, client to server, in answer to parameters whose plan has the rule `gradient`. */
export interface GradientUpdatePayload {
  /** The round, from 1. */
  readonly round: number;
  /** Number of samples the gradient is the mean over. */
  readonly numSamples: number;
  /** Mean loss over the samples. */
  readonly loss?: number;
  /** Further figures. */
  readonly metrics?: Metrics;
  /** The gradient, laid out as the parameter vector; 0 where nothing is trained. */
  readonly gradient: ParameterVector;
}

/** `EvaluateParams`: the server sends `parameters`, the client answers with figures. */
export interface EvaluateParamsPayload {
  /** The round after which is evaluated. */
  readonly round: number;
  /** From the server: the parameters to evaluate. */
  readonly parameters?: ParameterVector;
  /** From the server, as in {@linkcode ParameterUpdatePayload}. */
  readonly taken?: number;
  /** From a client: number of samples the figures are over. */
  readonly numSamples?: number;
  /** From a client: mean loss. */
  readonly loss?: number;
  /** From a client: share of samples classified rightly. */
  readonly accuracy?: number;
}

/** `Exit`, both ways. */
export interface ExitPayload {
  /** Why the run ends, for the log. */
  readonly reason: string;
  /**
   * From the server: true when the run is over, or was ended by whoever runs it; false when it
   * stopped before its end by an error, so that it may be resumed and its clients started again.
   */
  readonly over?: boolean;
}

/** `Error`, both ways. */
export interface ErrorPayload {
  /** Name of the fault, such as `"non-finite"`. */
  readonly fault: string;
  /** One line: what was expected and what came. */
  readonly message: string;
  /** Whether the connection ends with it. */
  readonly fatal: boolean;
  /** From a client, of `"cannot-train"`: the round for which there will be no update. */
  readonly round?: number;
}

/** A message: its code and what it carries. */
export type Message =
  | { readonly code: typeof MessageCode.ParameterRequest; readonly payload: EmptyPayload }
  | { readonly code: typeof MessageCode.GradientUpdate; readonly payload: GradientUpdatePayload }
  | { readonly code: typeof MessageCode.ParameterUpdate; readonly payload: ParameterUpdatePayload }
  | { readonly code: typeof MessageCode.EvaluateParams; readonly payload: EvaluateParamsPayload }
  | { readonly code: typeof MessageCode.Exit; readonly payload: ExitPayload }
  | { readonly code: typeof MessageCode.Registration; readonly payload: RegistrationPayload }
  | { readonly code: typeof MessageCode.IdAssignment; readonly payload: IdAssignmentPayload }
  | { readonly code: typeof MessageCode.Heartbeat; readonly payload: HeartbeatPayload }
  | { readonly code: typeof MessageCode.Error; readonly payload: ErrorPayload }
  | { readonly code: typeof MessageCode.Ready; readonly payload: ReadyPayload }
  | { readonly code: typeof MessageCode.Challenge; readonly payload: ChallengePayload }
  | { readonly code: typeof MessageCode.Proof; readonly payload: ProofPayload };

/** The message of a code. */
export type MessageOf<Code extends MessageCode> = Extract<Message, { readonly code: Code }>;

/** What any message carries. */
export type Payload = Message["payload"];
