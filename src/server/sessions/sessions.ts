import { isOutOfDescriptors } from "../../base/files/os_error.ts";
import { Refusals } from "../../base/limits/refusals.ts";
import { entryOf, type KeyListChange } from "../../auth/allowed_keys.ts";
import { publicKeyOf } from "../../auth/challenge.ts";
import {
  ConnectionClosedError,
  DeadlineError,
  errorMessage,
  isRecoverable,
  ProtocolError,
} from "../../base/errors.ts";
import { Connection } from "../../net/connection.ts";
import type { Rank } from "../../base/rank.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import { SILENT_HEARTBEATS, type Timeouts } from "../../net/timeouts.ts";
import type { Channel, Listener } from "../../net/transport.ts";
import { DEFAULT_LIMITS, FIELDS_BYTES } from "../../wire/frame.ts";
import { isBulk, MessageCode } from "../../wire/message_code.ts";
import type { ExitPayload, Message } from "../../wire/messages.ts";
import type { PeerLog } from "../../base/log/peer_log.ts";
import { FirstBytes } from "./first_bytes.ts";
import {
  type JoinedClient,
  type JoinOptions,
  type Member,
  register,
  registrationOf,
} from "./registration.ts";
import { addressOf, ConnectionLimiter, type PeerLimits } from "./connection_limiter.ts";
import { type MessageListener, MessageReader } from "./message_reader.ts";
import { whyNotSeated } from "./key_changes.ts";
import { shortReason } from "../../round/report/absence.ts";
import type { SavedRanks } from "../../round/record/saved_run.ts";
import { RankRegistry } from "./rank_registry.ts";
import { PeerAdmission } from "./peer_admission.ts";

/** How long nobody is accepted after that has failed. */
const ACCEPT_PAUSE_MILLIS = 500;
/** How often, at least, it is looked whether a key has expired: the clock may have been set. */
const EXPIRY_LOOK_MILLIS = 60_000;

/** Whether a peer has broken the protocol; a frame that was cut off has lost its connection. */
function isFault(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.fault !== "truncated-frame";
}

/** A client took its leave, in its own words: it is not expected back. */
export class ClientLeftError extends Error {}

/** For whom lines about a connection are counted that is nobody's yet. */
function peerOf({ remote }: Pick<Channel, "remote">): string {
  return addressOf(remote) ?? remote;
}

/** Lines of the log whose number peers decide. */
export interface PeerLogs {
  /** Lines about clients that have joined, limited for each rank. */
  readonly members: PeerLog;
  /** Lines about any other peer, limited for each address. */
  readonly strangers: PeerLog;
}

/** Listener to the sessions of a server. */
export interface SessionListener extends MessageListener {
  /** Number that heartbeats carry; it changes whenever the run makes progress. */
  progress(): number;
  /** Round for which an update of the rank is expected. */
  pendingRound(rank: Rank): number | undefined;
  /** A client is ready, for the first time or again; it will send the update of its `round` unasked. */
  joined(client: JoinedClient): void;
  /** A client's connection is lost; it is expected back. */
  disconnected(rank: Rank, reason: string): void;
  /** A client is gone: it took its leave, broke the protocol, or stayed away for too long. */
  left(rank: Rank, reason: string): void;
  /** A message of a client was refused, whatever becomes of the client. */
  messageRefused(): void;
  /** The sender of a refused message stays. */
  recovered(rank: Rank, error: ProtocolError): void;
  /** A peer was not let in. */
  peerRefused(remote: string, error: unknown): void;
  /** The list of keys was read again, or could not be. */
  keysChanged(change: KeyListChange | Error): Promise<void>;
}

/** Every client's session, from its registration to its end. */
export class Sessions {
  /** Who sits where. */
  readonly registry: RankRegistry<Member>;
  readonly #joinOptions: JoinOptions;
  readonly #limiter: ConnectionLimiter;
  readonly #firstBytes: FirstBytes;
  readonly #timeouts: Timeouts;
  readonly #peers: PeerLogs;
  readonly #listener: SessionListener;
  readonly #members = new Set<Member>();
  /** Number of sessions, and of other things, that are not over. */
  #running = 0;
  readonly #past = { up: 0, down: 0 };
  /** Those whom the gate has let in and who have no channel yet: one, or it and others that were gone at once. */
  readonly #admitted: PeerAdmission[] = [];
  readonly #isWelcome = (remote: string): boolean => {
    const visitor = this.#admit(remote);
    if (visitor !== undefined) this.#admitted.push(visitor);
    return visitor !== undefined;
  };
  #expiry: ReturnType<typeof setTimeout> | undefined;
  /** Ends the watch over the list of keys. */
  #unfollow: (() => void) | undefined;
  /** What everybody is told who is being dismissed, once that has begun. */
  #exit: ExitPayload | undefined;
  /** When all have had their time to leave. */
  #closedBy: number | undefined;
  #ended: (() => void) | undefined;

  constructor(options: {
    worldSize: number;
    saved: SavedRanks | undefined;
    joinOptions: JoinOptions;
    limits: PeerLimits;
    timeouts: Timeouts;
    peers: PeerLogs;
    listener: SessionListener;
  }) {
    this.registry = new RankRegistry(options.worldSize, options.saved);
    this.#joinOptions = options.joinOptions;
    this.#limiter = new ConnectionLimiter(options.limits);
    this.#timeouts = options.timeouts;
    this.#firstBytes = new FirstBytes(options.timeouts);
    this.#peers = options.peers;
    this.#listener = options.listener;
    // Whoever was struck off the list while no server ran is not waited for.
    for (const [rank, reason] of this.#strike()) {
      this.#peers.members.warn(`rank ${rank}`, `The seat of rank ${rank} is free: ${reason}`);
    }
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
    this.#follow();
    let fault: string | undefined;
    for (;;) {
      let channel: Channel | null;
      try {
        channel = await listener.accept(this.#isWelcome);
      } catch (error) {
        this.#dropAdmitted();
        // Such as too many open files: that may pass, and those who are lost meanwhile come back.
        if (fault === undefined) {
          this.#peers.strangers.warn(
            "accepting",
            `Cannot accept clients for now: ${errorMessage(error)}`,
          );
        }
        fault = errorMessage(error);
        const freed = isOutOfDescriptors(error) ? this.#limiter.relieve() : 0;
        // What was freed is free once the event loop has been round.
        await new Promise((resolve) => setTimeout(resolve, freed > 0 ? 0 : ACCEPT_PAUSE_MILLIS));
        continue;
      }
      // A listener need not ask.
      const visitor = this.#admitted.pop() ?? (channel && this.#admit(channel.remote));
      this.#dropAdmitted();
      if (channel === null) return;
      if (fault !== undefined) this.#peers.strangers.info("accepting", "Accepting clients again");
      fault = undefined;
      if (!visitor) {
        channel.close();
        continue;
      }
      visitor.channel = channel;
      void this.#run(this.#serve(channel, visitor));
    }
  }

  /** Those who were let in were gone before they had a channel. */
  #dropAdmitted(): void {
    for (let one = this.#admitted.pop(); one; one = this.#admitted.pop()) one.release();
  }

  /** Sends a message to a rank; false when there is no such client. What cannot be sent ends that client's session. */
  send(rank: Rank, message: Message): boolean {
    const member = this.registry.group.get(rank);
    if (member === undefined) return false;
    if (isBulk(message.code)) member.refusals.asked();
    member.sending++;
    member.connection.send(message).then(() => member.sending--, () => {});
    return true;
  }

  /** Whether something is still on its way to the rank. */
  isSending(rank: Rank): boolean {
    return (this.registry.group.get(rank)?.sending ?? 0) > 0;
  }

  /** Ends a client's session at once. */
  disconnect(rank: Rank, reason: string): void {
    this.registry.group.get(rank)?.connection.abort(new DeadlineError(reason));
  }

  /**
   * Sends `Exit` to all, and to those who are away when they come back; waits for them to take their leave, until the drain time-out has passed since the
   * first call, and ends what is left. `isOver` tells them whether the run is, or may be gone on with.
   */
  async closeAll(reason: string, isOver: boolean): Promise<void> {
    const payload = this.#exit = { reason, over: isOver };
    this.#unfollow?.();
    clearTimeout(this.#expiry);
    const now = performance.now();
    this.#closedBy ??= now + this.#timeouts.drainSeconds * 1000;
    const seconds = Math.max(0, this.#closedBy - now) / 1000;
    this.registry.close();
    for (const { connection } of this.#members) {
      connection.send({ code: MessageCode.Exit, payload }).catch(() => {});
    }
    const late = () => new DeadlineError("it did not take its leave in time");
    const waiting = new AbortController();
    try {
      await withDeadline(this.#quiet(waiting.signal), { seconds, late });
    } catch {
      for (const { connection } of this.#members) connection.abort(late());
      this.#firstBytes.closeAll();
      while (this.#running > 0) await this.#change();
    } finally {
      waiting.abort();
    }
  }

  /** Resolves when no session is running and nobody is expected back. */
  async #quiet(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (this.#running > 0 || this.registry.away.length > 0)) {
      await this.#change(signal);
    }
  }

  /** Resolves when something that was running is over. */
  #change(signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = resolve;
    signal?.addEventListener("abort", () => resolve(), { once: true });
    return promise;
  }

  /** Counts what runs until it is over. It must not reject. */
  async #run(running: Promise<void>): Promise<void> {
    this.#running++;
    try {
      await running;
    } finally {
      this.#running--;
      this.#ended?.();
    }
  }

  /** Lets a peer in, or says why not. Those who do not get in cost no more than their socket. */
  #admit(remote: string): PeerAdmission | undefined {
    const outcome = PeerAdmission.admit(this.#limiter, remote);
    if (outcome instanceof PeerAdmission) return outcome;
    if (!outcome.isRepeated) {
      this.#refused(remote, new ConnectionClosedError(outcome.refused));
    }
    return undefined;
  }

  #refused(remote: string, failure: unknown): void {
    this.#peers.strangers.warn(
      peerOf({ remote }),
      `Refused a client at ${remote}: ${shortReason(failure)}`,
    );
    if (this.#exit === undefined) this.#listener.peerRefused(remote, failure);
  }

  /** One session, however it ends. Never rejects. */
  async #serve(channel: Channel, visitor: PeerAdmission): Promise<void> {
    const began = performance.now();
    let ahead: Uint8Array<ArrayBuffer>;
    try {
      ahead = await this.#firstBytes.of(channel);
    } catch (error) {
      const { evicted, isRepeated } = visitor;
      if (evicted === undefined && isFault(error)) await new Connection(channel).refuse(error);
      channel.close();
      visitor.release();
      if (isRepeated) return;
      const failure = evicted === undefined ? error : new ConnectionClosedError(evicted);
      return this.#refused(channel.remote, failure);
    }
    await this.#converse(channel, visitor, ahead, (performance.now() - began) / 1000);
  }

  /** The session of a peer that has said something, `waited` seconds after it had come. */
  async #converse(
    channel: Channel,
    visitor: PeerAdmission,
    ahead: Uint8Array<ArrayBuffer>,
    waited: number,
  ): Promise<void> {
    const { registry } = this;
    const { heartbeatSeconds, joinSeconds } = this.#timeouts;
    const limits = { ...DEFAULT_LIMITS, controlBytes: FIELDS_BYTES };
    const connection = visitor.connection = new Connection(channel, {
      heartbeatSeconds,
      limits,
      heartbeat: () => ({ progress: this.#listener.progress() }),
      ahead,
    });
    const member: Member = {
      connection,
      rank: undefined,
      identity: undefined,
      ended: undefined,
      sending: 0,
      refusals: new Refusals(),
      isOver: false,
      registered: () => visitor.registered(),
    };
    this.#members.add(member);
    let registered: JoinedClient | undefined;
    let failure: unknown = new ConnectionClosedError("it closed the connection");
    try {
      if (this.#exit !== undefined) throw await this.#turnAway(connection, this.#exit);
      const { client, token } = await withDeadline(
        register(member, registry, this.#joinOptions, this.#listener),
        {
          seconds: Math.max(0, joinSeconds - waited),
          late: () => new DeadlineError("it did not finish its registration in time"),
        },
      );
      // Its key may have been struck off while it prepared; its last message is still read.
      if (member.ended !== undefined) throw member.ended;
      registered = client;
      const { rank, identity, name, agent, numSamples } = client;
      registry.assign(rank, token);
      const who = name === undefined ? identity : `${JSON.stringify(name)}, ${identity}`;
      this.#peers.members.info(
        `rank ${rank}`,
        `Rank ${rank} joined from ${connection.remote} with ${numSamples} samples (${agent}; ${who})`,
      );
      this.#listener.joined(client);
      this.#watchExpiry();
      await this.#listen(member, rank);
    } catch (error) {
      failure = member.ended ?? error;
      // Whoever was sent away has been told so.
      if (member.ended === undefined && isFault(error)) await connection.refuse(error);
    }
    if (registered !== undefined) this.#end(registered.rank, member, failure);
    else {
      // Its registration may still be under way.
      member.isOver = true;
      if (member.rank !== undefined) this.#cancel(member.rank, member, failure);
      if (!visitor.isRepeated) this.#refused(connection.remote, failure);
    }
    await connection.close();
    visitor.release();
    this.#members.delete(member);
    this.#past.up += connection.bytesReceived;
    this.#past.down += connection.bytesSent;
  }

  /** Follows the list of keys, if it tells when it changes, until everybody is dismissed. */
  #follow(): void {
    const { gatekeeper } = this.#joinOptions;
    if (gatekeeper.kind !== "keys" || this.#exit !== undefined) return;
    this.#unfollow ??= gatekeeper.allowed.subscribe?.((change) => {
      // Before anything is awaited: from now on nobody is here who may not be.
      void this.#run(this.#listener.keysChanged(change));
      this.#enforce();
    });
  }

  /** Ends the sessions of keys that may not be here (any more), and frees their seats. */
  #enforce(): void {
    const { gatekeeper } = this.#joinOptions;
    for (const member of this.#members) {
      const { connection, identity, rank } = member;
      const reason = identity && whyNotSeated(gatekeeper, identity, rank);
      if (reason === undefined || member.ended !== undefined) continue;
      member.ended = new ProtocolError("not-authorized", `Cannot stay: ${reason}`);
      void connection.refuse(member.ended);
    }
    for (const [rank, reason, wasTaken] of this.#strike()) {
      if (wasTaken) this.#listener.left(rank, reason);
    }
    this.#watchExpiry();
  }

  #strike(): ReturnType<RankRegistry<Member>["strike"]> {
    const { gatekeeper } = this.#joinOptions;
    return this.registry.strike((identity, rank) => whyNotSeated(gatekeeper, identity, rank));
  }

  /** Looks again when the first key of those who are here expires. */
  #watchExpiry(): void {
    const { gatekeeper } = this.#joinOptions;
    clearTimeout(this.#expiry);
    if (gatekeeper.kind !== "keys" || this.#exit !== undefined) return;
    const dates = [...this.#members].flatMap(({ identity = "", ended }) => {
      const key = ended === undefined ? publicKeyOf(identity) : undefined;
      return key === undefined ? [] : [entryOf(gatekeeper.allowed, key).expires ?? Infinity];
    });
    const first = Math.min(...dates);
    if (!Number.isFinite(first)) return;
    const millis = Math.min(Math.max(0, first - Date.now()), EXPIRY_LOOK_MILLIS);
    this.#expiry = setTimeout(() => this.#enforce(), millis);
  }

  /** The run is over for whoever comes now. */
  async #turnAway(connection: Connection, payload: ExitPayload): Promise<Error> {
    const { token } = await registrationOf(connection);
    await connection.send({ code: MessageCode.Exit, payload });
    const rank = token === undefined ? undefined : this.registry.rankOf(token);
    if (rank !== undefined) this.registry.giveUp(rank);
    return new ClientLeftError("the run is over");
  }

  /** A client that was not ready yet is gone; one that had come back to its seat is expected again. */
  #cancel(rank: Rank, member: Member, failure: unknown): void {
    const reason = shortReason(failure);
    const seconds = this.#timeouts.heartbeatSeconds * SILENT_HEARTBEATS;
    const isKept = this.registry.cancel(
      rank,
      member,
      seconds,
      () => this.#listener.left(rank, reason),
    );
    if (isKept) this.#listener.disconnected(rank, reason);
  }

  /** The session of a client that had joined is over: it is expected back, unless it took its leave or broke the protocol. */
  #end(rank: Rank, member: Member, failure: unknown): void {
    const reason = shortReason(failure);
    const isLost = failure instanceof ConnectionClosedError || failure instanceof DeadlineError ||
      (failure instanceof ProtocolError && !isFault(failure));
    if (!isLost) {
      if (this.registry.leave(rank, member)) this.#listener.left(rank, reason);
      return;
    }
    const seconds = this.#timeouts.heartbeatSeconds * SILENT_HEARTBEATS;
    const gone = () => this.#listener.left(rank, reason);
    if (this.registry.lose(rank, member, seconds, gone)) this.#listener.disconnected(rank, reason);
  }

  /** Hears a client out, message by message, until it closes. */
  async #listen(member: Member, rank: Rank): Promise<void> {
    const hearing = new MessageReader(member, rank, this.registry, this.#listener);
    for (;;) {
      try {
        if (!await hearing.next()) return;
      } catch (error) {
        if (isFault(error)) this.#listener.messageRefused();
        if (!(error instanceof ProtocolError) || !isRecoverable(error)) throw error;
        await this.#forgive(member, rank, error);
      }
    }
  }

  /** Tells a client what was refused. Throws a `ProtocolError` when that was too much, and a `DeadlineError` for one that does not read it. */
  async #forgive(member: Member, rank: Rank, error: ProtocolError): Promise<void> {
    const { fault, message } = error;
    this.#listener.recovered(rank, error);
    if (member.refusals.add()) {
      throw new ProtocolError(
        "too-many-faults",
        `Cannot go on with rank ${rank}: too many of its messages were refused, more than it was asked for; the last: ${message}`,
      );
    }
    // Nothing more is read of a peer that does not read what it is told: its refusals would fill the memory.
    await withDeadline(
      member.connection.send({
        code: MessageCode.Error,
        payload: { fault, message, fatal: false },
      }),
      {
        seconds: this.#timeouts.heartbeatSeconds * SILENT_HEARTBEATS,
        late: () => new DeadlineError("it does not read what it is told"),
      },
    );
  }
}
