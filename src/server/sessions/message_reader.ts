import {
  ConnectionClosedError,
  DeadlineError,
  isRecoverable,
  ProtocolError,
} from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import type { Connection } from "../../net/connection.ts";
import type { BodyPlace } from "../../net/connection_options.ts";
import type { IncomingBody } from "../../round/cohort/answer.ts";
import type { FrameHeader } from "../../wire/frame.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { HeartbeatPayload } from "../../wire/messages.ts";
import type { RankRegistry } from "./rank_registry.ts";
import type { Session } from "./session.ts";
import { isFault } from "./session_end.ts";
import type { SessionListener } from "./session_listener.ts";

/** Body that a connection is reading. */
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

/** Reader of the messages of a client that has joined. */
export class MessageReader {
  readonly #session: Session;
  readonly #rank: Rank;
  readonly #registry: RankRegistry<Session>;
  readonly #listener: SessionListener;
  /** Place of the message that is being read or acted on. */
  #taken: BodyPlace;
  readonly #options = { place: (header: FrameHeader) => this.#place(header) };

  constructor(
    session: Session,
    rank: Rank,
    registry: RankRegistry<Session>,
    listener: SessionListener,
  ) {
    this.#session = session;
    this.#rank = rank;
    this.#registry = registry;
    this.#listener = listener;
  }

  /**
   * Acts on the client's messages until it closes the connection. After a fault of one message,
   * such as a late update, the client is told and stays.
   *
   * @param replySeconds Time for the client to read that its message was refused.
   * @throws {DeadlineError} If it does not read that in time.
   * @throws {ProtocolError} For any other fault, or too many faults.
   */
  async readAll(replySeconds: number): Promise<void> {
    for (;;) {
      try {
        const received = await this.#session.connection.receiveAny(this.#options);
        if (received === null) return;
        const { message } = received;
        if (message?.code === MessageCode.Heartbeat) {
          this.#takeHeartbeat(message.payload);
          continue;
        }
        this.#checkRank();
        const work = this.#listener.receive(this.#rank, message);
        if (work instanceof Promise) await work;
        this.#release();
      } catch (error) {
        this.#release();
        if (isFault(error)) this.#listener.messageRefused();
        if (!(error instanceof ProtocolError) || !isRecoverable(error)) throw error;
        await this.#recover(error, replySeconds);
      }
    }
  }

  #takeHeartbeat({ received }: HeartbeatPayload): void {
    if (received !== undefined) this.#session.receipts?.heard(received);
  }

  #place(header: FrameHeader): BodyPlace | Promise<BodyPlace> {
    this.#checkRank();
    const body = new Body(header.bodyLength, this.#session.connection);
    const placed = this.#listener.place(this.#rank, header, body);
    if (!(placed instanceof Promise)) return this.#taken = placed;
    return placed.then((place) => this.#taken = place);
  }

  /** Gives back the place of the last message. */
  #release(): void {
    const place = this.#taken;
    this.#taken = undefined;
    if (place !== undefined) this.#listener.release(this.#rank, place);
  }

  /** Refuses messages of a client that has lost its rank to another one. */
  #checkRank(): void {
    if (this.#registry.group.claimant(this.#rank) === this.#session) return;
    throw new ConnectionClosedError("its seat is not its own any more");
  }

  async #recover(error: ProtocolError, seconds: number): Promise<void> {
    const { fault, message } = error;
    const rank = this.#rank, { refusals, connection } = this.#session;
    this.#listener.recovered(rank, error);
    if (refusals.add()) {
      throw new ProtocolError(
        "too-many-faults",
        `Cannot go on with rank ${rank}: too many of its messages were refused, more than it was asked for; the last: ${message}`,
      );
    }
    // Refusals that the peer does not read would fill the memory.
    await withDeadline(
      connection.send({ code: MessageCode.Error, payload: { fault, message, fatal: false } }),
      { seconds, late: () => new DeadlineError("it does not read what it is told") },
    );
  }
}
