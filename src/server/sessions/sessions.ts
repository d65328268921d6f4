import { runtime } from "../../base/runtime/runtime.ts";
import { ConnectionClosedError, DeadlineError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import { Connection } from "../../net/connection.ts";
import type { SharedMessage } from "../../net/outgoing_frame.ts";
import { SILENT_HEARTBEATS } from "../../net/timeouts.ts";
import type { Channel, Listener } from "../../net/transport.ts";
import { shortReason } from "../../round/report/absence.ts";
import { DEFAULT_LIMITS, FIELDS_BYTES } from "../../wire/limits.ts";
import { isBulk, MessageCode } from "../../wire/message_code.ts";
import type { ExitPayload, Message } from "../../wire/messages.ts";
import { Acceptor } from "./acceptor.ts";
import { ConnectionLimiter } from "./connection_limiter.ts";
import { FirstBytes } from "./first_bytes.ts";
import { KeyWatcher } from "./key_watcher.ts";
import { MessageReader } from "./message_reader.ts";
import type { PeerAdmission } from "./peer_admission.ts";
import { fullError } from "./refusal_tally.ts";
import { RefusedPeers } from "./refused_peers.ts";
import { RankRegistry } from "./rank_registry.ts";
import { type JoinedClient, receiveRegistration, register } from "./registration.ts";
import { Session } from "./session.ts";
import { ClientLeftError, isDisconnection, isFault } from "./session_end.ts";
import type { SessionsOptions } from "./sessions_options.ts";
import { TaskTracker } from "./task_tracker.ts";

/** Sessions of all clients of a run, from registration to end. */
export class Sessions {
  /** Ranks of the clients. */
  readonly registry: RankRegistry<Session>;
  readonly #options: SessionsOptions;
  /** Time for which the rank of a silent client is kept. */
  readonly #silentSeconds: number;
  readonly #acceptor: Acceptor;
  readonly #firstBytes: FirstBytes;
  readonly #keys: KeyWatcher;
  readonly #open = new Set<Session>();
  readonly #tasks = new TaskTracker();
  /** Peers that did not become clients. */
  readonly refused: RefusedPeers;
  /** Bytes of the connections that are closed. */
  readonly #past = { up: 0, down: 0 };
  /** Payload of the `Exit` messages, once the sessions are being closed. */
  #exit: ExitPayload | undefined;
  /** Time at which all clients must have left. */
  #closedBy: number | undefined;

  constructor(options: SessionsOptions) {
    const { joinOptions: { gatekeeper }, timeouts, peers, listener } = options;
    const { worldSize, saved, keptRanks } = options;
    const registry = this.registry = new RankRegistry<Session>(worldSize, saved, keptRanks);
    this.#options = options;
    this.refused = new RefusedPeers(peers, (remote, failure) => {
      if (this.#exit === undefined) listener.peerRefused(remote, failure);
    });
    this.#silentSeconds = timeouts.heartbeatSeconds * SILENT_HEARTBEATS;
    this.#firstBytes = new FirstBytes(timeouts);
    this.#acceptor = new Acceptor(new ConnectionLimiter(options.limits), peers, {
      serve: (channel, admission) => void this.#tasks.track(this.#serve(channel, admission)),
      refused: (remote, refusal) => this.refused.addByLimit(remote, refusal),
      tell: (channel, refusal) =>
        this.#tasks.track(new Connection(channel).refuse(fullError(refusal))),
    });
    this.#keys = new KeyWatcher({
      gatekeeper,
      registry,
      sessions: this.#open,
      onChange: (change) => void this.#tasks.track(listener.keysChanged(change)),
      onRevoked: ({ rank, reason }) => listener.left(rank, reason),
    });
    // A client whose key was struck off while no server ran is not waited for.
    for (const { rank, reason } of this.#keys.revoke()) {
      peers.members.warn(`rank ${rank}`, `The seat of rank ${rank} is free: ${reason}`);
    }
  }

  /** Bytes received and sent over all connections, closed ones included. */
  get bytes(): { up: number; down: number } {
    let { up, down } = this.#past;
    for (const { connection } of this.#open) {
      up += connection.bytesReceived;
      down += connection.bytesSent;
    }
    return { up, down };
  }

  /** Begins a session with each client that comes, until the listener is closed. Never rejects. */
  async accept(listener: Listener): Promise<void> {
    this.#keys.follow();
    await this.#acceptor.accept(listener);
  }

  /**
   * Sends a message to a rank. A failure to send ends the client's session.
   *
   * @param onEnd Called with whether all was sent, once it was, or cannot be.
   * @returns Whether there is such a client.
   */
  send(
    rank: Rank,
    message: Message | SharedMessage,
    onEnd: (isSent: boolean) => void = () => {},
  ): boolean {
    const session = this.registry.group.get(rank);
    if (session === undefined) return false;
    if (isBulk(message.code)) session.refusals.asked();
    session.sending++;
    session.connection.send(message).then(() => {
      session.sending--;
      onEnd(true);
    }, () => onEnd(false));
    return true;
  }

  /** Reports whether a message to the rank has not been sent completely. */
  isSending(rank: Rank): boolean {
    return (this.registry.group.get(rank)?.sending ?? 0) > 0;
  }

  /** Ends the connection of a client at once. */
  disconnect(rank: Rank, reason: string): void {
    this.registry.group.get(rank)?.connection.abort(new DeadlineError(reason));
  }

  /**
   * Sends `Exit` to all clients, and to those that are away when they come back. Waits for them to
   * leave until the drain time-out has passed since the first call, then ends the sessions that are
   * left.
   *
   * @param payload The payload of `Exit`.
   */
  async closeAll(payload: ExitPayload): Promise<void> {
    this.#exit = payload;
    this.#keys.close();
    this.refused[Symbol.dispose]();
    const now = runtime.clock.now();
    this.#closedBy ??= now + this.#options.timeouts.drainSeconds * 1000;
    const seconds = Math.max(0, this.#closedBy - now) / 1000;
    this.registry.close();
    for (const { connection } of this.#open) {
      connection.send({ code: MessageCode.Exit, payload }).catch(() => {});
    }
    const late = () => new DeadlineError("it did not take its leave in time");
    const waiting = new AbortController();
    try {
      const isNoneAway = () => this.registry.awayCount === 0;
      await withDeadline(this.#tasks.untilIdle(isNoneAway, waiting.signal), { seconds, late });
    } catch {
      for (const { connection } of this.#open) connection.abort(late());
      this.#firstBytes.closeAll();
      await this.#tasks.untilIdle();
    } finally {
      waiting.abort();
    }
  }

  /** Runs a session to its end. Never rejects. */
  async #serve(channel: Channel, admission: PeerAdmission): Promise<void> {
    const began = runtime.clock.now();
    let ahead: Uint8Array<ArrayBuffer>;
    try {
      ahead = await this.#firstBytes.of(channel);
    } catch (error) {
      const { evicted, isRepeated } = admission;
      if (evicted === undefined && isFault(error)) await new Connection(channel).refuse(error);
      channel.close();
      admission.release();
      if (isRepeated) return;
      const failure = evicted === undefined ? error : new ConnectionClosedError(evicted);
      return this.refused.add(channel.remote, failure);
    }
    const { timeouts: { heartbeatSeconds, joinSeconds }, listener } = this.#options;
    const connection = admission.connection = new Connection(channel, {
      heartbeatSeconds,
      limits: { ...DEFAULT_LIMITS, controlBytes: FIELDS_BYTES },
      heartbeat: () => ({ progress: listener.progress() }),
      ahead,
    });
    const session = new Session(connection, admission);
    this.#open.add(session);
    const waited = (runtime.clock.now() - began) / 1000;
    await this.#runSession(session, admission, Math.max(0, joinSeconds - waited));
    await connection.close();
    admission.release();
    this.#open.delete(session);
    this.#past.up += connection.bytesReceived;
    this.#past.down += connection.bytesSent;
  }

  /** Registers a client within `seconds`, then acts on its messages. Never rejects. */
  async #runSession(session: Session, admission: PeerAdmission, seconds: number): Promise<void> {
    const { registry } = this, { joinOptions, listener } = this.#options, { connection } = session;
    let joined: JoinedClient | undefined;
    let failure: unknown;
    try {
      if (this.#exit !== undefined) throw await this.#sendExit(connection, this.#exit);
      const registering = register(session, registry, joinOptions, listener);
      const late = () => new DeadlineError("it did not finish its registration in time");
      const { client, token } = await withDeadline(registering, { seconds, late });
      // Its key may have been struck off while it prepared; its last message is still read.
      if (session.ended !== undefined) throw session.ended;
      joined = client;
      registry.assign(client.rank, token);
      this.refused.byRank.delete(client.rank);
      listener.joined(client);
      this.#keys.watchExpiry(session);
      const reader = new MessageReader(session, client.rank, registry, listener);
      await reader.readAll(this.#silentSeconds);
      failure = new ConnectionClosedError("it closed the connection");
    } catch (error) {
      failure = session.ended ?? error;
      // A client whose session was ended has been told already.
      if (session.ended === undefined && isFault(error)) await connection.refuse(error);
    }
    if (joined !== undefined) return this.#endSession(joined.rank, session, failure, true);
    // The registration may still be under way.
    session.isOver = true;
    if (session.rank !== undefined) this.#endSession(session.rank, session, failure, false);
    if (!admission.isRepeated) this.refused.add(connection.remote, failure, session.rank);
  }

  /** Sends `Exit` to a client that comes when the run is over. */
  async #sendExit(connection: Connection, payload: ExitPayload): Promise<Error> {
    const { token } = await receiveRegistration(connection);
    await connection.send({ code: MessageCode.Exit, payload });
    const rank = token === undefined ? undefined : this.registry.rankOf(token);
    if (rank !== undefined) this.registry.forget(rank);
    return new ClientLeftError("the run is over");
  }

  /**
   * Ends the session of a rank. The client is expected back if its connection was lost, unless it
   * has never been ready. Its rank is free if it has left or broke the protocol.
   */
  #endSession(rank: Rank, session: Session, failure: unknown, hasJoined: boolean): void {
    const { registry } = this, { listener } = this.#options, seconds = this.#silentSeconds;
    const reason = shortReason(failure);
    const onLeave = () => listener.left(rank, reason);
    if (hasJoined && !isDisconnection(failure)) {
      if (registry.leave(rank, session)) onLeave();
      return;
    }
    const isKept = hasJoined
      ? registry.disconnect(rank, session, seconds, onLeave)
      : registry.cancel(rank, session, seconds, onLeave);
    if (isKept) listener.disconnected(rank, reason);
  }
}
