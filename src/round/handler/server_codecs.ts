import { errorMessage, ProtocolError } from "../../base/errors.ts";
import { type Rank, SERVER_RANK } from "../../base/rank.ts";
import type { Codec } from "../../codec/codec.ts";
import { isDelta } from "../../codec/delta.ts";
import { type CodedVector, VectorCoder } from "../../codec/vector_coder.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import type { LocalRule } from "../../plan/rules/rules.ts";
import { travellingPart } from "../../train/models/travelling_part.ts";
import type { ModelDescription } from "../../train/handler.ts";
import { encodeUpdate } from "../../wire/encode_update.ts";
import type { CompressedUpdatePayload, ParameterUpdatePayload } from "../../wire/messages.ts";
import type { ServerHandlerOptions } from "./options.ts";

/** Options of {@linkcode ServerCodecs}. */
export interface ServerCodecsOptions {
  /** Codec of the clients' updates. */
  readonly uplink?: Codec | undefined;
  /** Codec of the parameters that clients are sent. */
  readonly downlink?: Codec | undefined;
  /** Tensors of the parameters. */
  readonly manifest: Manifest;
  /** Description of the model, which tells the values that do not travel. */
  readonly model: ModelDescription | undefined;
  /** Rule of the plan. */
  readonly rule?: LocalRule | undefined;
  /** The run's seed. */
  readonly seed: number;
}

/** Fields of a message that has encoded parameters. */
export interface CodedParameters extends CodedVector {
  /** Name of the codec, with its settings. */
  readonly codec: string;
  /** Number of the parameters that the receiver has, where the codes are the difference to them. */
  readonly base?: number;
}

/** Parameters as clients with the codec of the downlink are sent them. */
export interface SentModel {
  /** Parameters as those clients decode them. */
  readonly parameters: ParameterVector;
  /** Encoded form; absent where they are sent as they are. */
  readonly coded?: CodedParameters;
}

/** Vectors that an update is related to. */
export interface UpdateStart {
  /** The server's parameters. */
  readonly parameters: ParameterVector;
  /** Parameters that the client has trained from. */
  readonly sent: ParameterVector;
}

/** Codecs of a server: of the updates that it is sent, and of the parameters that it sends. */
export class ServerCodecs {
  /** Coder of the clients' updates, if they are encoded. */
  readonly uplink: VectorCoder | undefined;
  /** Coder of the parameters, if they are encoded. */
  readonly downlink: VectorCoder | undefined;
  /** Name of the codec of the parameters, which says if they may be sent as differences. */
  readonly downlinkName: string | undefined;
  /** Set if parameters may be sent as the difference to those that a client has. */
  readonly isDelta: boolean;
  readonly #seed: number;
  readonly #length: number;

  /** Creates the codecs of a server. */
  constructor({ uplink, downlink, manifest, model, rule, seed }: ServerCodecsOptions) {
    const { others } = travellingPart(manifest, model, rule) ?? {};
    this.uplink = uplink && new VectorCoder(uplink, manifest, others);
    this.isDelta = downlink !== undefined && isDelta(downlink);
    this.downlinkName = downlink?.name;
    const whole = downlink && isDelta(downlink) ? downlink.whole : downlink;
    this.downlink = whole && new VectorCoder(whole, manifest, others);
    this.#seed = seed;
    this.#length = manifest.length;
  }

  /**
   * Encodes the parameters of a round. They are sent as they are where a value is too large for the
   * codec.
   */
  encodeModel(parameters: ParameterVector, round: number): SentModel {
    const coder = this.downlink;
    if (coder === undefined) return { parameters };
    const key = { seed: this.#seed, round, rank: SERVER_RANK };
    try {
      const coded = { codec: coder.codec.name, ...coder.encode(parameters, key) };
      if (coder.codec.isExact) return { parameters, coded };
      const decoded = parameters.slice();
      coder.decode(coded, key, decoded);
      return { parameters: decoded, coded };
    } catch (error) {
      if (error instanceof RangeError) return { parameters };
      throw error;
    }
  }

  /**
   * Encodes the parameters that are evaluated after a round, as those that clients train from in
   * the next round.
   */
  encodeEvaluated(parameters: ParameterVector, round: number): SentModel {
    return this.encodeModel(parameters, round + 1);
  }

  /**
   * Decodes an update: the server's parameters, changed as the client has changed those that it was
   * sent.
   *
   * @param into Receives the parameters. Default: a new vector.
   * @throws {ProtocolError} If the update cannot be decoded: "wrong-codec", "shape-mismatch",
   * "non-finite" or "invalid-field".
   */
  decodeUpdate(
    sender: Rank,
    payload: CompressedUpdatePayload,
    { parameters: base }: Pick<UpdateStart, "parameters">,
    into: ParameterVector = new Float32Array(this.#length),
  ): ParameterUpdatePayload {
    const { codec, scales, codes, plain, base: _, ...fields } = payload;
    const coder = this.uplink, where = `Cannot take the update of rank ${sender}`;
    if (coder === undefined || coder.codec.name !== codec) {
      throw new ProtocolError(
        "wrong-codec",
        `${where}: expected ${coder?.codec.name ?? "no codec"}, got ${codec}`,
      );
    }
    const coded = { scales, codes, ...(plain && { plain }) };
    try {
      coder.decodeChange(coded, this.#key(sender, payload), base, into);
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      throw new ProtocolError(cause.fault, `${where}: ${errorMessage(cause)}`, { cause });
    }
    return { ...fields, parameters: into };
  }

  /**
   * Relates an update that is not encoded to the server's parameters, in place, where its client
   * was sent encoded ones.
   */
  rebase({ parameters }: ParameterUpdatePayload, { parameters: to, sent }: UpdateStart): void {
    if (sent !== to) this.downlink?.rebase(parameters, sent, to);
  }

  /**
   * Returns an update as the server has it after it was sent, and the bytes of its vector
   * if it was encoded.
   *
   * @param into Receives the parameters.
   */
  transfer(
    sender: Rank,
    payload: ParameterUpdatePayload,
    start: UpdateStart,
    into: ParameterVector,
  ): { readonly payload: ParameterUpdatePayload; readonly codedBytes: number | undefined } {
    const coded = this.uplink && encodeUpdate(this.uplink, payload, start.sent, {
      seed: this.#seed,
      rank: sender,
    });
    if (coded !== undefined) {
      const decoded = this.decodeUpdate(sender, coded, start, into);
      return { payload: decoded, codedBytes: this.uplink?.byteLength };
    }
    into.set(payload.parameters);
    const copy = { ...payload, parameters: into };
    this.rebase(copy, start);
    return { payload: copy, codedBytes: undefined };
  }

  #key(rank: Rank, { round }: { readonly round: number }) {
    return { seed: this.#seed, round, rank };
  }
}

/** Describes the codecs of a run in one line, for the log; `undefined` if there are none. */
export function codecsText(codecs: ServerCodecs | undefined): string | undefined {
  const { uplink, downlink } = codecs ?? {};
  const parts = [
    ...(uplink ? [`updates by ${uplink.codec.name}`] : []),
    ...(downlink ? [`parameters by ${downlink.codec.name}`] : []),
  ];
  return parts.length === 0 ? undefined : `Clients that know the codecs encode ${parts.join(", ")}`;
}

/** Codecs that leave values out, by their names. */
const PARTIAL = /^(topk|eden:.*share=(?!1$))/;

/**
 * Makes the codecs of a handler's options; `undefined` if there are none.
 *
 * @throws {RangeError} If the codec of the parameters leaves values out: a client would train a
 * model with zeros in their places. If the codec of the updates is one of differences or saves
 * nothing.
 */
export function codecsOf(
  { uplink, downlink, manifest, model }: ServerHandlerOptions,
  rule: LocalRule | undefined,
  seed: number,
): ServerCodecs | undefined {
  if (uplink === undefined && downlink === undefined) return undefined;
  if (downlink !== undefined && PARTIAL.test(downlink.name)) {
    throw new RangeError(
      `Cannot make a server: expected a codec of the parameters that sends all of them, got ${downlink.name}, which is for updates`,
    );
  }
  if (uplink !== undefined && (isDelta(uplink) || uplink.isExact)) {
    throw new RangeError(
      `Cannot make a server: expected a codec of the updates, which are differences already, got ${uplink.name}, which is for parameters`,
    );
  }
  return new ServerCodecs({ uplink, downlink, manifest, model, rule, seed });
}
