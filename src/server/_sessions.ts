import { DeadlineError, errorMessage, ProtocolError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { Connection } from "../net/connection.ts";
import { ProcessGroup, type Rank } from "../net/process_group.ts";
import { type Timeouts, within } from "../net/timeouts.ts";
import type { Channel, Listener } from "../net/transport.ts";
import type { FrameHeader } from "../wire/frame.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { Message } from "../wire/messages.ts";
import { type Member, register, type Welcome } from "./_member.ts";

/** Faults of one message, after which the client may go on. */
const FORGIVABLE: ReadonlySet<ProtocolError["fault"]> = new Set([
  "wrong-round",
  "not-in-cohort",
  "duplicate-update",
  "non-finite",
]);

/** What the topology does about what the sessions hear. */
export interface SessionHooks {
  /** Says where a body goes; `undefined` refuses it. */
  place(rank: Rank, header: FrameHeader): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Takes back what `place` gave. */
  release(buffer: Uint8Array<ArrayBuffer>): void;
  /** Acts on a message; `undefined` stands for one whose body was refused. A `ProtocolError` refuses it. */
  message(rank: Rank, message: Message | undefined): Promise<void>;
  /** A client is ready. */
  joined(rank: Rank): void;
  /** A client that was ready is gone. */
  lost(rank: Rank, reason: string): void;
  /** A message was refused; its sender was told and stays. */
  forgiven(rank: Rank, error: ProtocolError): void;
}

/** Every client's session, from its registration to its end. */
export class Sessions {
  /** The clients by rank. */
  readonly group: ProcessGroup<Member>;
  readonly #welcome: Welcome;
  readonly #timeouts: Timeouts;
  readonly #logger: Logger;
  readonly #hooks: SessionHooks;
  readonly #members = new Set<Member>();
  readonly #running = new Set<Promise<void>>();
  readonly #past = { up: 0, down: 0 };

  constructor(options: {
    worldSize: number;
    welcome: Welcome;
    timeouts: Timeouts;
    logger: Logger;
    hooks: SessionHooks;
  }) {
    this.group = new ProcessGroup(options.worldSize);
    this.#welcome = options.welcome;
    this.#timeouts = options.timeouts;
    this.#logger = options.logger;
    this.#hooks = options.hooks;
  }

  /** Bytes that came up and went down over all connections, those that are gone included. */
  get bytes(): { up: number; down: number } {
    let { up, down } = this.#past;
    for (const { connection } of this.#members) {
      up += connection.bytesReceived;
      down += connection.bytesSent;
    }
    return { up, down };
  }

  /** Begins a session with everyone who comes, until the listener is closed. Never rejects. */
  async accept(listener: Listener): Promise<void> {
    for (;;) {
      let channel: Channel | null;
      try {
        channel = await listener.accept();
      } catch (error) {
        this.#logger.error(`Cannot accept clients any more: ${errorMessage(error)}`);
        return;
      }
      if (channel === null) return;
      const session = this.#serve(channel).finally(() => this.#running.delete(session));
      this.#running.add(session);
    }
  }

  /** Sends a message to a rank; false when there is no such client. What cannot be sent ends that client's session. */
  send(rank: Rank, message: Message): boolean {
    const member = this.group.get(rank);
    if (member === undefined) return false;
    member.sending++;
    member.connection.send(message).then(() => member.sending--, () => {});
    return true;
  }

  /** Whether something is still on its way to the rank. */
  isSending(rank: Rank): boolean {
    return (this.group.get(rank)?.sending ?? 0) > 0;
  }

  /** Ends a client's session at once. */
  giveUp(rank: Rank, reason: string): void {
    this.group.get(rank)?.connection.abort(new DeadlineError(reason));
  }

  /** Sends `Exit` to all, waits for them to take their leave, and ends what is left. */
  async dismiss(reason: string): Promise<void> {
    for (const { connection } of this.#members) {
      connection.send({ code: MessageCode.Exit, payload: { reason } }).catch(() => {});
    }
    const all = Promise.all(this.#running);
    const late = () => new DeadlineError("it did not take its leave in time");
    try {
      await within(all, { seconds: this.#timeouts.drainSeconds, late });
    } catch {
      for (const { connection } of this.#members) connection.abort(late());
      await all;
    }
  }

  /** One session, however it ends. Never rejects. */
  async #serve(channel: Channel): Promise<void> {
    const { group } = this;
    const connection = new Connection(channel, {
      heartbeatSeconds: this.#timeouts.heartbeatSeconds,
    });
    const member: Member = { connection, rank: undefined, sending: 0 };
    this.#members.add(member);
    let joined: Rank | undefined;
    let reason = "it closed the connection";
    try {
      const { rank, agent, numSamples } = await within(register(member, group, this.#welcome), {
        seconds: this.#timeouts.joinSeconds,
        late: () => new DeadlineError("it did not finish its registration in time"),
      });
      group.ready(rank);
      joined = rank;
      this.#logger.info(
        `Rank ${rank} joined from ${connection.remote} with ${numSamples} samples (${agent})`,
      );
      this.#hooks.joined(rank);
      await this.#listen(connection, rank);
    } catch (error) {
      reason = errorMessage(error);
      if (error instanceof ProtocolError) await connection.refuse(error);
    }
    if (member.rank !== undefined) group.leave(member.rank, member);
    if (joined === undefined) {
      this.#logger.warn(`Refused a client at ${connection.remote}: ${reason}`);
    } else this.#hooks.lost(joined, reason);
    await connection.close();
    this.#members.delete(member);
    this.#past.up += connection.bytesReceived;
    this.#past.down += connection.bytesSent;
  }

  /** Hears a client out, message by message, until it closes. */
  async #listen(connection: Connection, rank: Rank): Promise<void> {
    for (;;) {
      let buffer: Uint8Array<ArrayBuffer> | undefined;
      try {
        const received = await connection.receive({
          place: async (header) => buffer = await this.#hooks.place(rank, header),
        });
        if (received === null) return;
        await this.#hooks.message(rank, received.message);
      } catch (error) {
        if (!(error instanceof ProtocolError) || !FORGIVABLE.has(error.fault)) throw error;
        const { fault, message } = error;
        connection.send({ code: MessageCode.Error, payload: { fault, message, fatal: false } })
          .catch(() => {});
        this.#hooks.forgiven(rank, error);
      } finally {
        if (buffer !== undefined) this.#hooks.release(buffer);
      }
    }
  }
}
