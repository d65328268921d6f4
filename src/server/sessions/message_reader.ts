import { ConnectionClosedError } from "../../base/errors.ts";
import type { Connection } from "../../net/connection.ts";
import type { Rank } from "../../base/rank.ts";
import type { FrameHeader } from "../../wire/frame.ts";
import type { Message } from "../../wire/messages.ts";
import type { IncomingBody } from "../../round/cohort/cohort_collector.ts";
import type { Member } from "./registration.ts";
import type { RankRegistry } from "./rank_registry.ts";

/** What is done about the messages of a client that has joined. */
export interface MessageListener {
  /** Says where a body goes, whose bytes `incoming` counts; `undefined` refuses it. */
  place(
    rank: Rank,
    header: FrameHeader,
    incoming: IncomingBody,
  ): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Takes back what `place` gave for the rank. */
  release(rank: Rank, buffer: Uint8Array<ArrayBuffer>): void;
  /** Acts on a message; `undefined` stands for one whose body was refused. A `ProtocolError` refuses it. */
  receive(rank: Rank, message: Message | undefined): Promise<void>;
}

/** The body that a connection is reading. */
class Body implements IncomingBody {
  readonly size: number;
  readonly #connection: Connection;

  constructor(size: number, connection: Connection) {
    this.size = size;
    this.#connection = connection;
  }

  get received(): number {
    return this.#connection.bodyReceived;
  }
}

/** Hears a client out that has joined, message by message. */
export class MessageReader {
  readonly #member: Member;
  readonly #rank: Rank;
  readonly #registry: RankRegistry<Member>;
  readonly #listener: MessageListener;
  /** Where the body of the message lies that is read or acted on. */
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  readonly #options = { place: (header: FrameHeader) => this.#place(header) };

  constructor(
    member: Member,
    rank: Rank,
    registry: RankRegistry<Member>,
    listener: MessageListener,
  ) {
    this.#member = member;
    this.#rank = rank;
    this.#registry = registry;
    this.#listener = listener;
  }

  /**
   * Acts on the client's next message; false when it has closed. The message's buffer is given back
   * in any case.
   */
  async next(): Promise<boolean> {
    try {
      const received = await this.#member.connection.receive(this.#options);
      if (received === null) return false;
      this.#checkSeat();
      await this.#listener.receive(this.#rank, received.message);
      return true;
    } finally {
      const buffer = this.#buffer;
      this.#buffer = undefined;
      if (buffer !== undefined) this.#listener.release(this.#rank, buffer);
    }
  }

  async #place(header: FrameHeader): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#checkSeat();
    const incoming = new Body(header.bodyLength, this.#member.connection);
    return this.#buffer = await this.#listener.place(this.#rank, header, incoming);
  }

  /** What still comes from whoever has lost the seat must not pass for the next one's. */
  #checkSeat(): void {
    if (this.#registry.group.claimant(this.#rank) === this.#member) return;
    throw new ConnectionClosedError("its seat is not its own any more");
  }
}
