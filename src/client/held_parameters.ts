import { errorMessage, ProtocolError } from "../base/errors.ts";
import type { CodedVector, VectorCoder } from "../codec/vector_coder.ts";
import type { ReadyPayload } from "../wire/messages.ts";

const LOADING = "Cannot load the parameters";

/**
 * Encoded parameters that a client was sent last. Where the server sends differences, the next ones
 * may be the difference to these, also over another connection.
 */
export class HeldParameters {
  #coder: VectorCoder | undefined;
  #functions: typeof import("../codec/difference.ts") | undefined;
  /** Name of the codec, number that the server knows the parameters by, and they. */
  #held: { codec: string; number: number; coded: CodedVector } | undefined;

  /**
   * Begins a connection.
   *
   * @param coder Coder of the parameters; `undefined` if the server sends no differences.
   * @returns The fields of `Ready` that name the parameters.
   */
  async begin(coder: VectorCoder | undefined): Promise<Pick<ReadyPayload, "base" | "holds">> {
    this.#coder = coder;
    if (this.#held?.codec !== coder?.codec.name) this.clear();
    if (coder === undefined) return {};
    const { codedDigest } = this.#functions = await import("../codec/difference.ts");
    const held = this.#held;
    // No parameters have the number 0, to which the highest one wraps around.
    if (held === undefined || held.number === 0) return {};
    return { base: held.number, holds: await codedDigest(held.coded) };
  }

  /** Forgets the parameters. */
  clear(): void {
    this.#held = undefined;
  }

  /**
   * Keeps encoded parameters, after applying them to those before if they are a difference.
   *
   * @param sent Arrays from a server, which may change later.
   * @param base Number of the parameters that they are the difference to; `undefined` for none.
   * @param number Number that the server knows them by.
   * @returns Encoded parameters that are no difference.
   * @throws {ProtocolError} If they have wrong lengths or are no difference to what the client has:
   * "shape-mismatch" or "invalid-field".
   */
  complete(sent: CodedVector, base: number | undefined, number: number): CodedVector {
    const coder = this.#coder, held = this.#held;
    this.clear();
    if (coder === undefined) {
      if (base === undefined) return sent;
      throw new ProtocolError("invalid-field", `${LOADING}: expected no base, got ${base}`);
    }
    try {
      const coded = base === undefined
        ? copyOf(coder, sent)
        : this.#changed(coder, sent, base, held);
      this.#held = { codec: coder.codec.name, number, coded };
      return coded;
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      throw new ProtocolError(cause.fault, `${LOADING}: ${errorMessage(cause)}`, { cause });
    }
  }

  #changed(
    { codec }: VectorCoder,
    { scales, codes, plain }: CodedVector,
    base: number,
    held: { readonly number: number; readonly coded: CodedVector } | undefined,
  ): CodedVector {
    if (held?.number !== base) {
      throw new ProtocolError(
        "invalid-field",
        `expected ${
          held ? `a difference to those of the number ${held.number}` : "no difference"
        }, got one to those of the number ${base}`,
      );
    }
    if (scales.length > 0 || plain !== undefined) {
      throw new ProtocolError(
        "shape-mismatch",
        `expected a difference without scales and plain values, got ${scales.length} and ${
          plain?.length ?? 0
        }`,
      );
    }
    if (this.#functions === undefined) throw new Error("Cannot decode: no connection has begun");
    return this.#functions.applyDifference(codec, held.coded, codes);
  }
}

/** Copies encoded parameters whose lengths are right. */
function copyOf(coder: VectorCoder, sent: CodedVector): CodedVector {
  coder.checkLengths(sent);
  const { scales, codes, plain } = sent;
  return { scales: scales.slice(), codes: codes.slice(), ...(plain && { plain: plain.slice() }) };
}
