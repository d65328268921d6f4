import { MessageCode } from "../../mod.ts";
import { type Channel, Connection, tcpTransport } from "../../src/net/mod.ts";
import type {
  IdAssignmentPayload,
  Message,
  MessageOf,
  ReadyPayload,
  RegistrationPayload,
} from "../../src/wire/mod.ts";

/** What a message of a code carries. */
export type PayloadOf<Code extends MessageCode> = MessageOf<Code>["payload"];

/** A client that speaks the protocol by hand. */
export class Peer implements AsyncDisposable {
  readonly channel: Channel;
  readonly connection: Connection;
  /** Number of the model's values, once the server has told it. */
  #length = 1;

  private constructor(channel: Channel) {
    this.channel = channel;
    this.connection = new Connection(channel);
  }

  static async connect(address: string, transport = tcpTransport): Promise<Peer> {
    return new Peer(await transport.connect(address));
  }

  send(message: Message): Promise<void> {
    return this.connection.send(message);
  }

  /** The next message that is not a heartbeat. Rejects when there is none. */
  async next(): Promise<Message> {
    for (;;) {
      const message = (await this.connection.receive())?.message;
      if (message === undefined) throw new Error("the server closed");
      if (message.code !== MessageCode.Heartbeat) return message;
    }
  }

  /** What the next message of that code carries. */
  async until<Code extends MessageCode>(code: Code): Promise<PayloadOf<Code>> {
    for (;;) {
      const message = await this.next();
      if (message.code === code) return message.payload as PayloadOf<Code>;
    }
  }

  error(): Promise<PayloadOf<typeof MessageCode.Error>> {
    return this.until(MessageCode.Error);
  }

  register(payload: Partial<RegistrationPayload> = {}): Promise<void> {
    return this.send({
      code: MessageCode.Registration,
      payload: { agent: "by hand", ...payload },
    });
  }

  /**
   * Registers and says that it is ready; `round` is the one that it goes on with, and `more` has
   * other fields of `Ready`.
   */
  async join(
    payload?: Partial<RegistrationPayload>,
    round?: number,
    more: Partial<ReadyPayload> = {},
  ): Promise<IdAssignmentPayload> {
    await this.register(payload);
    const assignment = await this.until(MessageCode.IdAssignment);
    const { manifest, manifestDigest } = assignment;
    this.#length = manifest.reduce(
      (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
      0,
    );
    await this.send({
      code: MessageCode.Ready,
      payload: { manifestDigest, numSamples: 1, ...(round !== undefined && { round }), ...more },
    });
    return assignment;
  }

  /** Asks for something to do, where there are no rounds. */
  ask(): Promise<void> {
    return this.send({ code: MessageCode.ParameterRequest, payload: {} });
  }

  /** Sends an update whose values are the round's number, or those given. */
  update(round: number, parameters = new Float32Array(this.#length).fill(round)): Promise<void> {
    return this.send({
      code: MessageCode.ParameterUpdate,
      payload: { round, numSamples: 1, parameters },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.connection.close();
  }
}
