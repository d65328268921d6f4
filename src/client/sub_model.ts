import { ProtocolError } from "../base/errors.ts";
import { sha256Hex } from "../base/hash.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { VectorPart } from "../params/vector_part.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import { parseModelDescription } from "../train/models/model_description.ts";
import { travellingPart } from "../train/models/travelling_part.ts";
import type { IdAssignmentPayload, ReadyPayload } from "../wire/messages.ts";

/**
 * Part of the model that travels between a client and its server, and the values of the rest: the
 * server sends those at most once.
 */
export class SubModel {
  readonly #handler: ClientBackendHandler;
  /** `undefined` where all parameters travel. */
  #part: VectorPart | undefined;
  #others: ParameterVector | undefined;
  #whole: ParameterVector | undefined;
  #control: ParameterVector | undefined;

  /** Makes the sub-model of a handler. */
  constructor(handler: ClientBackendHandler) {
    this.#handler = handler;
  }

  /**
   * Begins a connection.
   *
   * @param isKnown Set if the run is that of the connection before.
   * @returns The field of `Ready` that names the values which the client has.
   * @throws {ProtocolError} If the server has another number of parameters travel.
   */
  async begin(
    { plan, model, travels }: IdAssignmentPayload,
    isKnown: boolean,
  ): Promise<Pick<ReadyPayload, "stays">> {
    const { manifest } = this.#handler;
    if (!isKnown) this.#others = undefined;
    this.#part = undefined;
    if (travels === undefined) return {};
    const description = model && parseModelDescription(model);
    const part = travellingPart(manifest, description, plan.rule);
    const { length = manifest.length } = part ?? {};
    if (length !== travels || part === undefined) {
      throw new ProtocolError(
        "invalid-field",
        `Cannot join: expected a server that sends ${length} of ${manifest.length} parameters, got one that sends ${travels}`,
      );
    }
    this.#part = part;
    this.#others ??= part.takeOthers(this.#handler.parameters);
    return { stays: await sha256Hex(this.#others) };
  }

  /** Places of the values that do not travel. */
  get others(): VectorPart["others"] {
    return this.#part?.others ?? [];
  }

  /** Values that do not travel; `undefined` where all do. */
  get staying(): ParameterVector | undefined {
    return this.#part && this.#others;
  }

  /** Puts the values that do not travel into their places of a whole vector. */
  fill(whole: ParameterVector): void {
    if (this.#others !== undefined) this.#part?.putOthers(this.#others, whole);
  }

  /** Keeps the values that do not travel, where the server has sent all. */
  keep(sent: ParameterVector): void {
    const part = this.#part;
    if (sent.length === part?.wholeLength) this.#others = part.takeOthers(sent);
  }

  /** Returns the whole vector of parameters that the server has sent. */
  whole(sent: ParameterVector): ParameterVector {
    const part = this.#part;
    if (this.#others === undefined || sent.length !== part?.length) return sent;
    const whole = this.#whole = vectorOf(part.wholeLength, this.#whole);
    part.put(sent, whole);
    part.putOthers(this.#others, whole);
    return whole;
  }

  /** Returns the whole second vector that the server has sent: zeros where nothing is trained. */
  wholeControl(sent: ParameterVector | undefined): ParameterVector | undefined {
    const part = this.#part;
    if (sent === undefined || part === undefined || sent.length !== part.length) return sent;
    const control = this.#control = vectorOf(part.wholeLength, this.#control);
    part.put(sent, control);
    part.putOthers(new Float32Array(part.wholeLength - part.length), control);
    return control;
  }

  /** Returns what is sent of a vector. */
  part(whole: ParameterVector): ParameterVector {
    return this.#part === undefined ? whole : this.#part.take(whole);
  }
}

/** Returns a vector of that length, the last one if it fits. */
function vectorOf(length: number, last: ParameterVector | undefined): ParameterVector {
  return last?.length === length ? last : new Float32Array(length);
}
