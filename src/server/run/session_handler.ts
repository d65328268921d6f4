import type { KeyListChange } from "../../auth/allowed_keys.ts";
import { errorMessage, ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { BodyPlace } from "../../net/connection_options.ts";
import { EvaluationExchange } from "../../round/cohort/evaluation_exchange.ts";
import { updateCodeFor } from "../../round/cohort/update_message.ts";
import type { IncomingBody } from "../../round/cohort/answer.ts";
import { keepsState } from "../../plan/rules/rules.ts";
import type { FrameHeader } from "../../wire/frame.ts";
import { FIELDS_BYTES } from "../../wire/limits.ts";
import { MessageCode, messageName } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";
import { describeChange } from "../sessions/key_changes.ts";
import type { JoinedClient } from "../sessions/registration.ts";
import type { SessionListener } from "../sessions/session_listener.ts";
import { unexpectedCode } from "./control_messages.ts";
import { describeJoined, siteText } from "./describe_joined.ts";
import type { ExchangeRunner } from "./exchange_runner.ts";
import { MixedWeights } from "./mixed_weights.ts";
import { ReceivingSteps } from "./receiving_steps.ts";
import type { RunContext } from "./run_context.ts";
import { tellRefused } from "./refusal_lines.ts";
import type { MessageArguments, ServerTopology } from "./server_topology.ts";
import type { Uploads } from "../uploads/uploads.ts";

/**
 * Listener to the sessions of a run: reads updates into staging buffers, and reports the clients
 * that join and leave.
 */
export class SessionHandler implements SessionListener {
  readonly #run: RunContext;
  readonly #topology: ServerTopology;
  readonly #exchanges: ExchangeRunner;
  readonly #uploads: Uploads;
  readonly #receiving: ReceivingSteps;
  readonly #weights = new MixedWeights();

  constructor(run: RunContext, exchanges: ExchangeRunner, uploads: Uploads) {
    this.#run = run;
    this.#topology = run.topology;
    this.#exchanges = exchanges;
    this.#uploads = uploads;
    this.#receiving = new ReceivingSteps(run);
  }

  progress(): number {
    return this.#run.progress;
  }

  pendingRound(rank: Rank): number | undefined {
    // What a client has trained by other settings must not count: it is sent the round again.
    return this.#run.record.hasNewSettings ? undefined : this.#topology.pendingRound(rank);
  }

  /**
   * Gives an expected update a staging buffer once it may be read, or a keeper, an unexpected one
   * none, and any other message a buffer of its own.
   */
  place(
    rank: Rank,
    header: FrameHeader,
    incoming: IncomingBody,
  ): BodyPlace | Promise<BodyPlace> {
    const topology = this.#topology, { code, bodyLength } = header;
    const { handler: { plan, manifest, codecs } } = topology;
    const { uplink } = this.#run.sessions.registry.group.get(rank)?.codecs ?? {};
    const isCoded = code === MessageCode.CompressedUpdate;
    if (isCoded && uplink === undefined) {
      throw new ProtocolError(
        "wrong-codec",
        `Cannot take the update of rank ${rank}: expected whole parameters, since no codec was agreed on`,
      );
    }
    const isUpdate = isCoded || code === updateCodeFor(plan);
    if (!isUpdate && code !== MessageCode.EvaluateParams) {
      throw unexpectedCode(rank, code, topology);
    }
    const vectorBytes = isCoded ? codecs?.uplink?.byteLength ?? 0 : manifest.byteLength;
    const most = FIELDS_BYTES + (isUpdate ? vectorBytes : 0);
    if (bodyLength > most) {
      throw new ProtocolError(
        "frame-too-large",
        `Cannot read ${
          messageName(code)
        }: expected at most ${most} bytes for this model, got ${bodyLength}`,
      );
    }
    if (!isUpdate) return new Uint8Array(bodyLength);
    this.#receiving.begin(rank);
    return this.#uploads.place(rank, header, incoming);
  }

  release(_rank: Rank, place: NonNullable<BodyPlace>): void {
    this.#uploads.release(place);
  }

  receive(rank: Rank, message: Message | undefined): void | Promise<void> {
    this.#uploads.markRead(rank);
    this.#receiving.end(rank);
    if (message === undefined) throw this.#topology.unexpectedUpdate(rank);
    const { costs, sessions, subModels } = this.#run;
    const hasCodec = sessions.registry.group.get(rank)?.codecs.uplink !== undefined;
    const coded = hasCodec ? this.#topology.handler.codecs?.uplink?.byteLength : undefined;
    costs.countVector("up", message, { whole: subModels.bytes, coded });
    const { code, payload } = subModels.whole(rank, message);
    return this.#topology.onReceive(rank, ...[code, payload] as MessageArguments);
  }

  joined(client: JoinedClient): void {
    const { rank, identity, name, site, address, agent, numSamples, isBack, stays } = client;
    this.#uploads.cancel(rank);
    this.#run.subModels.joined(rank, stays);
    this.#run.held?.joined(rank, client.held);
    const topology = this.#topology, run = this.#run, { handler } = topology;
    if (site === undefined) this.#exchanges.sites.delete(rank);
    else this.#exchanges.sites.set(rank, site);
    const showsSamples = topology.mode !== "statistics" && !handler.isClosed;
    run.peers.members.info(`rank ${rank}`, describeJoined(client, handler, showsSamples));
    const mixed = handler.privacy === undefined ? this.#weights.joined(client) : undefined;
    if (mixed !== undefined) run.logger.warn(mixed);
    handler.onJoin(rank, numSamples, run.sessions.registry.holderOf(rank));
    run.emit({
      type: "client-joined",
      rank,
      identity,
      ...(name !== undefined && { name }),
      ...(site !== undefined && { site }),
      address,
      agent,
      numSamples,
      isBack,
    });
    const { rule } = handler.plan, accepted = topology.lastAcceptedRound(rank) ?? 0;
    if (!isBack && accepted > 0 && keepsState(rule) && !this.#isSecret) {
      run.peers.members.warn(
        `rank ${rank}`,
        `Rank ${rank} has joined anew: what it had kept for ${rule?.name} up to round ${accepted} is lost, and the result is not that of an undisturbed run`,
      );
    }
    this.#reportJoining(rank);
    this.#resumeEvaluation(client);
    topology.onJoin(client);
  }

  disconnected(rank: Rank, reason: string): void {
    const run = this.#run;
    this.#receiving.end(rank, "the connection was lost");
    this.#topology.onDisconnect(rank, reason);
    if (run.record.isOver) return;
    run.peers.members.warn(
      `rank ${rank}`,
      `Lost the connection of rank ${rank}${this.#siteText(rank)}, which may come back${
        this.#isSecret ? "" : `: ${reason}`
      }`,
    );
    run.emit({ type: "client-away", rank, reason });
    this.#reportJoining(rank);
  }

  left(rank: Rank, reason: string): void {
    const run = this.#run;
    this.#receiving.end(rank, "the client has left");
    this.#exchanges.open?.collector.settle(rank, "dropped", reason);
    this.#topology.onLeave(rank, reason);
    // After the last round clients are expected to leave.
    if (run.record.isOver) return;
    run.peers.members.warn(
      `rank ${rank}`,
      `Lost rank ${rank}${this.#siteText(rank)}${this.#isSecret ? "" : `: ${reason}`}`,
    );
    run.emit({ type: "client-lost", rank, reason });
    this.#reportJoining(rank);
  }

  /** `true` if nothing may tell who is in a cohort. */
  get #isSecret(): boolean {
    return this.#topology.handler.privacy?.isCohortSecret ?? false;
  }

  #siteText(rank: Rank): string {
    return siteText(this.#exchanges.sites.get(rank));
  }

  messageRefused(): void {
    this.#run.costs.countRefused();
  }

  recovered(rank: Rank, { fault, message }: ProtocolError): void {
    tellRefused(this.#run, rank, message);
    this.#run.emit({ type: "update-refused", rank, fault, message });
  }

  peerRefused(address: string, error: unknown): void {
    this.#run.emit({
      type: "client-refused",
      address,
      ...(error instanceof ProtocolError && { fault: error.fault }),
      message: errorMessage(error),
    });
  }

  async keysChanged(change: KeyListChange | Error): Promise<void> {
    const { logger } = this.#run;
    if (change instanceof Error) {
      return logger.error(`${errorMessage(change)}; the list that was read before stays`);
    }
    const { text, ...fingerprints } = await describeChange(change);
    logger.info(text);
    this.#run.emit({ type: "keys-changed", ...fingerprints });
  }

  /** Reports how many clients have joined, before the first round. */
  #reportJoining(rank: Rank): void {
    const run = this.#run;
    const { progress } = run.sessions.registry.group;
    if (run.record.rounds.length > 0 || this.#topology.hasBegun) return;
    run.peers.members.info(`rank ${rank}`, progress);
    run.emit({ type: "joining", progress });
  }

  /** Asks a client that has come back for the figures that are still expected of it. */
  #resumeEvaluation({ rank, round }: JoinedClient): void {
    const { open } = this.#exchanges;
    if (!(open instanceof EvaluationExchange) || !open.collector.isPending(rank)) return;
    // A client that trains again is not interrupted for figures that were lost.
    const isBusy = round !== undefined && round === this.#topology.pendingRound(rank);
    if (isBusy) open.collector.settle(rank, "dropped", "its figures were lost");
    else this.#exchanges.send(rank);
  }
}
