import { runtime } from "../../base/runtime/runtime.ts";
import { ConnectionClosedError, DeadlineError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import { Connection } from "../../net/connection.ts";
import type { SharedMessage } from "../../net/outgoing_frame.ts";
import { SILENT_HEARTBEATS } from "../../net/timeouts.ts";
import type { Channel, Listener } from "../../net/transport.ts";
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
import { register } from "./registration.ts";
import { Session, SESSION_LIMITS } from "./session.ts";
import { endSession, failureOf, turnAway } from "./end_session.ts";
import { sendExit } from "./send_exit.ts";
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
  /** Makes the content of a heartbeat. */
  readonly #heartbeat = () => ({ progress: this.#options.listener.progress() });
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
   * @param onEnd Called with whether all was sent, or received where the client sends receipts.
   * @returns Whether there is such a client.
   */
  send(rank: Rank, message: Message | SharedMessage, onEnd?: (isSent: boolean) => void): boolean {
    const session = this.registry.group.get(rank);
    if (session === undefined) return false;
    if (isBulk(message.code)) session.refusals.asked();
    session.sending++;
    session.connection.send(message).then(() => session.sent(onEnd), () => onEnd?.(false));
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

  /** Serves a peer until it has joined, then in a task without its registration. Never rejects. */
  async #serve(channel: Channel, admission: PeerAdmission): Promise<void> {
    const began = runtime.clock.now();
    let ahead: Uint8Array<ArrayBuffer>;
    try {
      ahead = await this.#firstBytes.of(channel);
    } catch (error) {
      const failure = await turnAway(channel, admission, error);
      return failure === undefined ? undefined : this.refused.add(channel.remote, failure);
    }
    const { timeouts: { heartbeatSeconds, joinSeconds } } = this.#options;
    const connection = admission.connection = new Connection(channel, {
      heartbeatSeconds,
      limits: SESSION_LIMITS,
      heartbeat: this.#heartbeat,
      ahead,
    });
    const session = new Session(connection, admission);
    this.#open.add(session);
    const waited = (runtime.clock.now() - began) / 1000;
    const rank = await this.#join(session, Math.max(0, joinSeconds - waited));
    void this.#tasks.track(
      rank === undefined ? this.#close(session) : this.#follow(session, rank),
    );
  }

  /**
   * Registers a client within `seconds`. Never rejects.
   *
   * @returns Its rank, or `undefined` when it has not joined.
   */
  async #join(session: Session, seconds: number): Promise<Rank | undefined> {
    const { registry } = this, { joinOptions, listener } = this.#options, { connection } = session;
    let rank: Rank | undefined;
    try {
      if (this.#exit !== undefined) throw await sendExit(connection, this.#exit, registry);
      const registering = register(session, registry, joinOptions, listener);
      const late = () => new DeadlineError("it did not finish its registration in time");
      const { client, token } = await withDeadline(registering, { seconds, late });
      // Its key may have been struck off while it prepared; its last message is still read.
      if (session.ended !== undefined) throw session.ended;
      rank = client.rank;
      registry.assign(rank, token);
      this.refused.byRank.delete(rank);
      listener.joined(client);
      this.#keys.watchExpiry(session);
      return rank;
    } catch (error) {
      const failure = await failureOf(session, error);
      if (rank !== undefined) this.#end(rank, session, failure, true);
      else this.#endRegistration(session, failure);
      return undefined;
    }
  }

  #endRegistration(session: Session, failure: unknown): void {
    const { rank, connection, admission } = session;
    // The registration may still be under way.
    session.isOver = true;
    if (rank !== undefined) this.#end(rank, session, failure, false);
    if (!admission.isRepeated) this.refused.add(connection.remote, failure, rank);
  }

  /** Acts on the messages of a client that has joined, until its session ends. Never rejects. */
  #follow(session: Session, rank: Rank): Promise<void> {
    const reader = new MessageReader(session, rank, this.registry, this.#options.listener);
    // Each client is followed for the whole run: no asynchronous function, which would keep more.
    return reader.readAll(this.#silentSeconds).then(
      () => this.#unfollow(session, rank, new ConnectionClosedError("it closed the connection")),
      async (error) => await this.#unfollow(session, rank, await failureOf(session, error)),
    );
  }

  async #unfollow(session: Session, rank: Rank, failure: unknown): Promise<void> {
    this.#end(rank, session, failure, true);
    await this.#close(session);
  }

  async #close(session: Session): Promise<void> {
    const { connection, admission } = session;
    session.receipts?.close();
    await connection.close();
    admission.release();
    this.#open.delete(session);
    this.#past.up += connection.bytesReceived;
    this.#past.down += connection.bytesSent;
  }

  #end(rank: Rank, session: Session, failure: unknown, hasJoined: boolean): void {
    const { registry } = this, { listener } = this.#options, seconds = this.#silentSeconds;
    endSession({ rank, session, failure, hasJoined }, { registry, listener, seconds });
  }
}
