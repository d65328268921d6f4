import { errorMessage, ProtocolError } from "../base/errors.ts";
import { SERVER_RANK } from "../base/rank.ts";
import type { Codec } from "../codec/codec.ts";
import { CODEC_NAMES, DELTA, splitDelta } from "../codec/names.ts";
import type { CodedVector, VectorCoder } from "../codec/vector_coder.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import { HeldParameters } from "./held_parameters.ts";
import type { SubModel } from "./sub_model.ts";
import { encodeUpdate } from "../wire/encode_update.ts";
import { MessageCode } from "../wire/message_code.ts";
import type {
  CompressedUpdatePayload,
  EvaluateParamsPayload,
  IdAssignmentPayload,
  Message,
  ParameterUpdatePayload,
  ReadyPayload,
} from "../wire/messages.ts";

/** Parameters that a client was sent, encoded or not. */
export type ReceivedParameters = ParameterUpdatePayload | CompressedUpdatePayload;

/** Encoded parameters, and the codec's name. */
type EncodedParameters = CodedVector & Pick<CompressedUpdatePayload, "codec">;

const LOADING = "Cannot load the parameters";
/** Number that no round has. */
const NO_ROUND = 0;
const NO_SCALES = new Float32Array(0), NO_CODES = new Uint8Array(0);

/** Returns the names of the codecs that a client knows. */
export function offeredCodecs(own: readonly Codec[] = []): string[] {
  return [...CODEC_NAMES, DELTA, ...own.map(({ name }) => name)];
}

/**
 * Codecs of a client: of its updates, and of the parameters that it is sent. They are loaded when a
 * server asks for one.
 */
export class ClientCodecs {
  readonly #own: readonly Codec[];
  readonly #subModel: Pick<SubModel, "others" | "fill" | "whole">;
  #assignment: Pick<IdAssignmentPayload, "seed" | "rank"> = { seed: 0, rank: 1 };
  #uplink: VectorCoder | undefined;
  #downlink: VectorCoder | undefined;
  #length = 0;
  /** Encoded parameters to which the server may send differences. */
  readonly #held = new HeldParameters();
  /** Parameters of the last round, from which the client trains. */
  #received: { round: number; vector: ParameterVector } | undefined;
  /** The last message, so that it is the same one when it is sent again. */
  #sent: { round: number; uplink: string; message: Message } | undefined;

  /** Creates the codecs of a client, those of the package and its own. */
  constructor(own: readonly Codec[] = [], subModel: Pick<SubModel, "others" | "fill" | "whole">) {
    this.#own = own;
    this.#subModel = subModel;
  }

  /** Most bytes of the arrays of encoded parameters; `undefined` if none were agreed on. */
  get downlinkBytes(): number | undefined {
    return this.#downlink?.byteLength;
  }

  /**
   * Prepares the codecs that a server has chosen.
   *
   * @returns The fields of `Ready` that name the parameters that the client has.
   * @throws {ProtocolError} "wrong-codec" if the client does not know one.
   */
  async agree(
    assignment: IdAssignmentPayload,
    manifest: Manifest,
  ): Promise<Pick<ReadyPayload, "base" | "holds">> {
    const { uplink, downlink, seed, rank } = assignment;
    this.#assignment = { seed, rank };
    this.#length = manifest.length;
    this.#uplink = await this.#coder(uplink, manifest);
    const { whole, isDelta } = splitDelta(downlink ?? "");
    this.#downlink = await this.#coder(whole || undefined, manifest);
    return await this.#held.begin(isDelta ? this.#downlink : undefined);
  }

  /** Forgets the vectors of a run. */
  reset(): void {
    this.#received = this.#sent = undefined;
    this.#held.clear();
  }

  /**
   * Completes parameters that have come as a difference, and keeps them for the next one.
   *
   * @throws {ProtocolError} If the client does not have the parameters that the difference is to,
   * or the bytes are no difference.
   */
  complete(payload: ReceivedParameters): ReceivedParameters {
    if ("parameters" in payload) {
      this.#held.clear();
      return payload;
    }
    const { base, ...fields } = payload;
    this.#check(payload.codec);
    const coded = this.#held.complete(payload, base, payload.round);
    return { ...fields, ...coded };
  }

  /**
   * Decodes parameters that are complete, and keeps a copy where the update is the difference to
   * them.
   *
   * @throws {ProtocolError} If they cannot be decoded.
   */
  receive(payload: ReceivedParameters): ParameterUpdatePayload {
    this.#sent = undefined;
    if ("parameters" in payload) {
      const whole = this.#subModel.whole(payload.parameters);
      if (this.#uplink !== undefined && whole.length === this.#length) {
        this.#keep(payload.round).set(whole);
      }
      return payload;
    }
    const { codec, scales, codes, plain, base: _, ...fields } = payload, { round } = payload;
    const parameters = this.#decode({ codec, scales, codes, ...(plain && { plain }) }, round);
    this.#received = { round, vector: parameters };
    return { ...fields, parameters };
  }

  /**
   * Decodes parameters to evaluate, which are those that clients train from in the next round. No
   * update can be encoded any more until further parameters have come.
   *
   * @throws {ProtocolError} If they cannot be decoded.
   */
  receiveToEvaluate(payload: EvaluateParamsPayload): EvaluateParamsPayload {
    const { codec, scales = NO_SCALES, codes = NO_CODES, plain, base, ...fields } = payload;
    if (codec === undefined) {
      this.#held.clear();
      return payload;
    }
    if (fields.parameters !== undefined) {
      throw new ProtocolError(
        "invalid-field",
        `${LOADING}: expected parameters or their codes, got both`,
      );
    }
    // The number wraps around in the key, as all numbers of 32 bits.
    const next = fields.round + 1 >>> 0;
    const coded = { scales, codes, ...(plain && { plain }) };
    this.#check(codec);
    const complete = this.#held.complete(coded, base, next);
    return { ...fields, parameters: this.#decode({ codec, ...complete }, next) };
  }

  /** Encodes an update where the server has asked for that. */
  send(message: Message | undefined): Message | undefined {
    const coder = this.#uplink, received = this.#received;
    if (coder === undefined || message?.code !== MessageCode.ParameterUpdate) return message;
    const { payload } = message, { round } = payload, uplink = coder.codec.name;
    const sent = this.#sent;
    if (sent?.round === round && sent.uplink === uplink) return sent.message;
    if (received?.round !== round) return message;
    const parameters = this.#subModel.whole(payload.parameters);
    const whole = { ...payload, parameters };
    const coded = encodeUpdate(coder, whole, received.vector, this.#assignment);
    if (coded === undefined) return message;
    const encoded = { code: MessageCode.CompressedUpdate, payload: coded };
    this.#sent = { round, uplink, message: encoded };
    return encoded;
  }

  /** Decodes parameters with the key of a round, into the vector of those that came before. */
  #decode({ codec, ...coded }: EncodedParameters, round: number): ParameterVector {
    const coder = this.#check(codec), parameters = this.#keep(NO_ROUND);
    const key = { seed: this.#assignment.seed, round, rank: SERVER_RANK };
    try {
      coder.decode(coded, key, parameters);
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      throw new ProtocolError(cause.fault, `${LOADING}: ${errorMessage(cause)}`, { cause });
    }
    this.#subModel.fill(parameters);
    return parameters;
  }

  /** Returns the coder of the downlink, if the codec is the one that was agreed on. */
  #check(codec: string): VectorCoder {
    const coder = this.#downlink;
    if (coder?.codec.name === codec) return coder;
    throw new ProtocolError(
      "wrong-codec",
      `${LOADING}: expected ${coder?.codec.name ?? "no codec"}, got ${codec}`,
    );
  }

  #keep(round: number): ParameterVector {
    const { vector = new Float32Array(this.#length) } = this.#received ?? {};
    const isUsable = vector.length === this.#length;
    this.#received = { round, vector: isUsable ? vector : new Float32Array(this.#length) };
    return this.#received.vector;
  }

  async #coder(
    name: string | undefined,
    manifest: Manifest,
  ): Promise<VectorCoder | undefined> {
    if (name === undefined) return undefined;
    const { VectorCoder } = await import("../codec/vector_coder.ts");
    return new VectorCoder(await this.#codec(name), manifest, this.#subModel.others);
  }

  async #codec(name: string): Promise<Codec> {
    const own = this.#own.find((codec) => codec.name === name);
    if (own !== undefined) return own;
    const { parseCodec } = await import("../codec/registry.ts");
    const { isDelta } = await import("../codec/delta.ts");
    try {
      const codec = parseCodec(name);
      if (isDelta(codec)) throw new RangeError(`expected one of whole vectors, got ${name}`);
      return codec;
    } catch (cause) {
      throw new ProtocolError(
        "wrong-codec",
        `Cannot join: the server asks for a codec that this client does not know: ${
          errorMessage(cause)
        }`,
        { cause },
      );
    }
  }
}
