import { ConnectionClosedError, DeadlineError, errorMessage, ProtocolError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { Connection } from "../net/connection.ts";
import type { Rank } from "../net/process_group.ts";
import { SILENT_HEARTBEATS, type Timeouts, within } from "../net/timeouts.ts";
import type { Channel, Listener } from "../net/transport.ts";
import { DEFAULT_LIMITS, FIELDS_BYTES, type FrameHeader } from "../wire/frame.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { Message } from "../wire/messages.ts";
import { type Door, type Member, register, type Registered, registrationOf } from "./_member.ts";
import { isForgivable } from "./_forgivable.ts";
import { Gate, type PeerLimits } from "./_gate.ts";
import { Seats } from "./_seats.ts";
import { StrangerLog } from "./_stranger_log.ts";

/** How long nobody is accepted after that has failed. */
const ACCEPT_PAUSE_MILLIS = 500;

/** Whether the process, or the system, has no file descriptors left. */
function isOutOfDescriptors(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EMFILE" || code === "ENFILE";
}

/** Whether a peer has broken the protocol; a frame that was cut off has lost its connection. */
function isFault(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.fault !== "truncated-frame";
}

/** A client took its leave, in its own words: it is not expected back. */
export class FarewellError extends Error {}

/** What the topology does about what the sessions hear. */
export interface SessionHooks {
  /** Says where a body goes; `undefined` refuses it. */
  place(rank: Rank, header: FrameHeader): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Takes back what `place` gave for the rank. */
  release(rank: Rank, buffer: Uint8Array<ArrayBuffer>): void;
  /** Acts on a message; `undefined` stands for one whose body was refused. A `ProtocolError` refuses it. */
  message(rank: Rank, message: Message | undefined): Promise<void>;
  /** A client is ready, for the first time or again; it will send the update of its `round` unasked. */
  joined(client: Registered): void;
  /** A client's connection is lost; it is expected back. */
  away(rank: Rank, reason: string): void;
  /** A client is gone: it took its leave, broke the protocol, or stayed away for too long. */
  lost(rank: Rank, reason: string): void;
  /** A message of a client was refused, whatever becomes of the client. */
  refused(): void;
  /** The sender of a refused message stays. */
  forgiven(rank: Rank, error: ProtocolError): void;
}

/** Every client's session, from its registration to its end. */
export class Sessions {
  /** Who sits where. */
  readonly seats: Seats<Member>;
  readonly #door: Door;
  readonly #gate: Gate;
  readonly #timeouts: Timeouts;
  readonly #logger: Logger;
  readonly #hooks: SessionHooks;
  readonly #strangers: StrangerLog;
  readonly #members = new Set<Member>();
  readonly #running = new Set<Promise<void>>();
  readonly #past = { up: 0, down: 0 };
  /** Why everybody is being dismissed, once that has begun. */
  #farewell: string | undefined;
  #ended: (() => void) | undefined;

  constructor(options: {
    worldSize: number;
    tokens: Iterable<readonly [Rank, string]>;
    door: Door;
    limits: PeerLimits;
    timeouts: Timeouts;
    logger: Logger;
    hooks: SessionHooks;
  }) {
    this.seats = new Seats(options.worldSize, options.tokens);
    this.#door = options.door;
    this.#gate = new Gate(options.limits);
    this.#timeouts = options.timeouts;
    this.#logger = options.logger;
    this.#hooks = options.hooks;
    this.#strangers = new StrangerLog(options.logger);
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
    let fault: string | undefined;
    for (;;) {
      let channel: Channel | null;
      try {
        channel = await listener.accept();
      } catch (error) {
        // Such as too many open files: that may pass, and those who are lost meanwhile come back.
        if (fault === undefined) {
          this.#logger.error(`Cannot accept clients for now: ${errorMessage(error)}`);
        }
        fault = errorMessage(error);
        const freed = isOutOfDescriptors(error) ? this.#gate.relieve() : 0;
        // What was freed is free once the event loop has been round.
        await new Promise((resolve) => setTimeout(resolve, freed > 0 ? 0 : ACCEPT_PAUSE_MILLIS));
        continue;
      }
      if (channel === null) return;
      if (fault !== undefined) this.#logger.info("Accepting clients again");
      fault = undefined;
      const session = this.#serve(channel).finally(() => {
        this.#running.delete(session);
        this.#ended?.();
      });
      this.#running.add(session);
    }
  }

  /** Sends a message to a rank; false when there is no such client. What cannot be sent ends that client's session. */
  send(rank: Rank, message: Message): boolean {
    const member = this.seats.group.get(rank);
    if (member === undefined) return false;
    member.sending++;
    member.connection.send(message).then(() => member.sending--, () => {});
    return true;
  }

  /** Whether something is still on its way to the rank. */
  isSending(rank: Rank): boolean {
    return (this.seats.group.get(rank)?.sending ?? 0) > 0;
  }

  /** Ends a client's session at once. */
  giveUp(rank: Rank, reason: string): void {
    this.seats.group.get(rank)?.connection.abort(new DeadlineError(reason));
  }

  /**
   * Sends `Exit` to all, and to those who are away when they come back; waits for them to take their leave, for the drain time-out at most, and ends
   * what is left.
   */
  async dismiss(reason: string): Promise<void> {
    this.#farewell = reason;
    this.seats.close();
    for (const { connection } of this.#members) {
      connection.send({ code: MessageCode.Exit, payload: { reason } }).catch(() => {});
    }
    const late = () => new DeadlineError("it did not take its leave in time");
    const waiting = new AbortController();
    try {
      await within(this.#quiet(waiting.signal), { seconds: this.#timeouts.drainSeconds, late });
    } catch {
      for (const { connection } of this.#members) connection.abort(late());
      await Promise.all(this.#running);
    } finally {
      waiting.abort();
    }
  }

  /** Resolves when no session is running and nobody is expected back. */
  async #quiet(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (this.#running.size > 0 || this.seats.away.length > 0)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#ended = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
    }
  }

  /** One session, however it ends. Never rejects. */
  async #serve(channel: Channel): Promise<void> {
    const { seats } = this;
    const { heartbeatSeconds, joinSeconds: seconds } = this.#timeouts;
    // Those who do not get in cost no more than the channel that they came by.
    const admission = this.#gate.admit(channel.remote, (reason) => connection.abort(reason));
    if ("refused" in admission) {
      if (!admission.isRepeated) {
        this.#logger.warn(`Refused a client at ${channel.remote}: ${admission.refused}`);
      }
      return channel.close();
    }
    const limits = { ...DEFAULT_LIMITS, controlBytes: FIELDS_BYTES };
    const connection = new Connection(channel, { heartbeatSeconds, limits });
    const member: Member = {
      connection,
      rank: undefined,
      sending: 0,
      isOver: false,
      seated: () => admission.registered(),
    };
    this.#members.add(member);
    let registered: Registered | undefined;
    let failure: unknown = new ConnectionClosedError("it closed the connection");
    try {
      if (this.#farewell !== undefined) throw await this.#turnAway(connection, this.#farewell);
      registered = await within(register(member, seats, this.#door), {
        seconds,
        late: () => new DeadlineError("it did not finish its registration in time"),
      });
      const { rank, token, identity, agent, numSamples } = registered;
      seats.sit(rank, token, identity);
      this.#logger.info(
        `Rank ${rank} joined from ${connection.remote} with ${numSamples} samples (${agent})`,
      );
      this.#hooks.joined(registered);
      await this.#listen(connection, rank);
    } catch (error) {
      failure = error;
      if (isFault(error)) await connection.refuse(error);
    }
    if (registered !== undefined) this.#end(registered.rank, member, failure);
    else {
      // Its registration may still be under way.
      member.isOver = true;
      if (member.rank !== undefined) this.#cancel(member.rank, member, failure);
      this.#strangers.warn(`Refused a client at ${connection.remote}: ${errorMessage(failure)}`);
    }
    await connection.close();
    admission.release();
    this.#members.delete(member);
    this.#past.up += connection.bytesReceived;
    this.#past.down += connection.bytesSent;
  }

  /** The run is over for whoever comes now. */
  async #turnAway(connection: Connection, reason: string): Promise<Error> {
    const { token } = await registrationOf(connection);
    await connection.send({ code: MessageCode.Exit, payload: { reason } });
    const rank = token === undefined ? undefined : this.seats.rankOf(token);
    if (rank !== undefined) this.seats.giveUp(rank);
    return new FarewellError("the run is over");
  }

  /** A client that was not ready yet is gone; one that had come back to its seat is expected again. */
  #cancel(rank: Rank, member: Member, failure: unknown): void {
    const reason = errorMessage(failure);
    const seconds = this.#timeouts.heartbeatSeconds * SILENT_HEARTBEATS;
    const isKept = this.seats.cancel(
      rank,
      member,
      seconds,
      () => this.#hooks.lost(rank, reason),
    );
    if (isKept) this.#hooks.away(rank, reason);
  }

  /** The session of a client that had joined is over: it is expected back, unless it took its leave or broke the protocol. */
  #end(rank: Rank, member: Member, failure: unknown): void {
    const reason = errorMessage(failure);
    const isLost = failure instanceof ConnectionClosedError || failure instanceof DeadlineError ||
      (failure instanceof ProtocolError && !isFault(failure));
    if (!isLost) {
      if (this.seats.leave(rank, member)) this.#hooks.lost(rank, reason);
      return;
    }
    const seconds = this.#timeouts.heartbeatSeconds * SILENT_HEARTBEATS;
    const gone = () => this.#hooks.lost(rank, reason);
    if (this.seats.lose(rank, member, seconds, gone)) this.#hooks.away(rank, reason);
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
        if (isFault(error)) this.#hooks.refused();
        if (!(error instanceof ProtocolError) || !isForgivable(error)) throw error;
        const { fault, message } = error;
        this.#hooks.forgiven(rank, error);
        // Nothing more is read of a peer that does not read what it is told: its refusals would fill the memory.
        await within(
          connection.send({ code: MessageCode.Error, payload: { fault, message, fatal: false } }),
          {
            seconds: this.#timeouts.heartbeatSeconds * SILENT_HEARTBEATS,
            late: () => new DeadlineError("it does not read what it is told"),
          },
        );
      } finally {
        if (buffer !== undefined) this.#hooks.release(rank, buffer);
      }
    }
  }
}
