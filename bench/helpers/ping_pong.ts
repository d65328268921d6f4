import { Connection } from "../../src/net/connection.ts";
import type { Channel } from "../../src/net/transport.ts";
import { Kernels } from "../../src/params/kernels.ts";
import type { ParameterVector } from "../../src/params/manifest.ts";
import { FIELDS_BYTES } from "../../src/wire/limits.ts";
import { MessageCode } from "../../src/wire/message_code.ts";

/**
 * Side of an exchange of parameter updates. Each update is read into the buffer in an arena from
 * which the previous one was sent.
 */
export class PingPong implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  #parameters: ParameterVector;

  /** Takes over a channel, for vectors of `length` values. */
  constructor(channel: Channel, length: number) {
    this.#connection = new Connection(channel);
    const bytes = length * Float32Array.BYTES_PER_ELEMENT + FIELDS_BYTES;
    this.#buffer = Kernels.create(bytes).allocBytes(bytes);
    this.#parameters = new Float32Array(this.#buffer.buffer, this.#buffer.byteOffset, length);
    this.#parameters.fill(1);
  }

  /** Sends the vector. */
  send(): Promise<void> {
    return this.#connection.send({
      code: MessageCode.ParameterUpdate,
      payload: { round: 1, numSamples: 600, loss: 0.5, parameters: this.#parameters },
    });
  }

  /** Receives the other side's vector; returns false when that side has closed. */
  async receive(): Promise<boolean> {
    const received = await this.#connection.receive({ place: () => this.#buffer });
    if (received?.message?.code !== MessageCode.ParameterUpdate) return false;
    this.#parameters = received.message.payload.parameters;
    return true;
  }

  /** Closes the connection. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection.close();
  }
}
