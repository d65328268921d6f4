import { ProtocolError } from "../../base/errors.ts";
import { sha256Hex } from "../../base/hash.ts";
import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { VectorPart } from "../../params/vector_part.ts";
import { sendsGradient } from "../../plan/rules/rules.ts";
import type { ServerBackendHandler } from "../../round/handler/server_backend_handler.ts";
import { travellingPart } from "../../train/models/travelling_part.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message, ParameterUpdatePayload } from "../../wire/messages.ts";

/** Vectors of a message. */
export type SentVectors = Pick<ParameterUpdatePayload, "parameters" | "control">;

/**
 * Part of the model that travels, and the clients that send and get only this part. Clients of
 * earlier versions send and get all parameters.
 */
export class SubModels {
  readonly #handler: ServerBackendHandler;
  /** `undefined` where all parameters travel. */
  readonly #part: VectorPart | undefined;
  /** Values of the others, which no round changes. */
  #others: ParameterVector;
  #digest: string | undefined;
  /** Clients that send only the part, and whether they have the values of the others. */
  readonly #clients = new Map<Rank, boolean>();

  private constructor(
    handler: ServerBackendHandler,
    part: VectorPart | undefined,
    others: ParameterVector,
    digest: string,
  ) {
    this.#handler = handler;
    this.#part = part;
    this.#others = others;
    this.#digest = digest;
  }

  /** Makes those of a handler. */
  static async of(handler: ServerBackendHandler): Promise<SubModels> {
    const { manifest, model, plan: { rule } } = handler;
    const part = travellingPart(manifest, model, rule);
    const others = part?.takeOthers(handler.parameters) ?? new Float32Array();
    return new SubModels(handler, part, others, await sha256Hex(others));
  }

  /** Bytes of a vector that travels. */
  get bytes(): number {
    return this.#part === undefined
      ? this.#handler.manifest.byteLength
      : this.#part.length * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Field of the assignment that names the number of parameters that travel. */
  get field(): { readonly travels?: number } {
    return this.#part === undefined ? {} : { travels: this.#part.length };
  }

  /** Notes the digest of what a client has, as it says; `undefined` for an earlier version. */
  joined(rank: Rank, stays: string | undefined): void {
    if (this.#part === undefined || stays === undefined) this.#clients.delete(rank);
    else this.#clients.set(rank, stays === this.#digest);
  }

  /** Makes the function that gives each client what it is sent of the same vectors. */
  sender(vectors: SentVectors): (rank: Rank) => SentVectors {
    const part = this.#part;
    if (part === undefined) return () => vectors;
    this.#compare(part, vectors.parameters);
    let taken: SentVectors | undefined;
    return (rank) => {
      const hasOthers = this.#clients.get(rank);
      if (hasOthers) return taken ??= takeBoth(part, vectors);
      // The connection of a client that does not get all of this ends.
      if (hasOthers === false) this.#clients.set(rank, true);
      return vectors;
    };
  }

  /**
   * Returns the message with the whole update. Where it lies in the handler's memory, so does the
   * update.
   *
   * @throws {ProtocolError} If the update has values that do not travel.
   */
  whole(rank: Rank, message: Message): Message {
    const part = this.#part;
    if (part === undefined || !this.#clients.has(rank)) return message;
    if (message.code === MessageCode.ParameterUpdate) {
      const parameters = this.#expand(part, rank, message.payload.parameters);
      return { ...message, payload: { ...message.payload, parameters } };
    }
    if (message.code !== MessageCode.GradientUpdate) return message;
    const gradient = this.#expand(part, rank, message.payload.gradient);
    return { ...message, payload: { ...message.payload, gradient } };
  }

  #expand(part: VectorPart, rank: Rank, update: ParameterVector): ParameterVector {
    if (update.length !== part.length) {
      throw new ProtocolError(
        "shape-mismatch",
        `Cannot take the update of rank ${rank}: expected the ${part.length} values that travel, got ${update.length}; those of frozen and local tensors are not sent`,
      );
    }
    const { plan: { rule }, parameters: { buffer } } = this.#handler;
    // A staging buffer has room for all values after the fields.
    const whole = update.buffer === buffer
      ? new Float32Array(buffer, update.byteOffset, part.wholeLength)
      : new Float32Array(part.wholeLength);
    part.put(update, whole);
    const isGradient = sendsGradient(rule);
    part.putOthers(isGradient ? new Float32Array(this.#others.length) : this.#others, whole);
    return whole;
  }

  /** Has all clients get the values anew if a handler has changed them. */
  #compare(part: VectorPart, vector: ParameterVector): void {
    if (part.hasOthers(vector, this.#others)) return;
    this.#others = part.takeOthers(vector);
    this.#digest = undefined;
    for (const rank of this.#clients.keys()) this.#clients.set(rank, false);
  }
}

function takeBoth(part: VectorPart, { parameters, control }: SentVectors): SentVectors {
  return { parameters: part.take(parameters), ...(control && { control: part.take(control) }) };
}
