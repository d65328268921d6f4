import type { Logger } from "../base/log/log.ts";
import type { PeerLog } from "../base/log/peer_log.ts";
import { SERVER_RANK } from "../base/rank.ts";
import { withDeadline } from "../base/time/with_deadline.ts";
import type { Connection } from "../net/connection.ts";
import { Manifest } from "../params/manifest.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { ExitPayload, IdAssignmentPayload } from "../wire/messages.ts";
import {
  type ClientLogs,
  type ClientParts,
  clientParts,
  type ClientRunHost,
} from "./client_parts.ts";
import { ClientWork } from "./client_work.ts";
import type { ServerAddress } from "./session/connect.ts";
import { FormerRank } from "./session/former_rank.ts";
import { describeJoin, describeRecommendation } from "./session/describe_join.ts";
import { join, type ResumeToken, runStopped } from "./session/join.ts";
import type { SessionClient } from "./session/reconnect.ts";
import { Session } from "./session/session.ts";

export { followWithReconnects } from "./session/reconnect.ts";

/** Run of a client topology: joins the group, and follows the server until the run is over. */
export class ClientRun implements SessionClient {
  readonly server: ServerAddress;
  readonly logger: Logger;
  readonly peers: PeerLog;
  readonly signal: AbortSignal | undefined;
  readonly hasKey: boolean;
  /** Work of the client for the server. */
  readonly work: ClientWork;
  readonly #host: ClientRunHost;
  readonly #parts: ClientParts;
  readonly #formerRank = new FormerRank();

  constructor(
    host: ClientRunHost,
    logs: ClientLogs & { readonly signal: AbortSignal | undefined },
  ) {
    this.hasKey = host.options.credential?.kind === "key";
    this.server = host.server;
    this.logger = logs.logger;
    this.peers = logs.peers;
    this.signal = logs.signal;
    this.#host = host;
    this.#parts = clientParts(host, logs);
    this.work = new ClientWork(host, this.#parts, logs.logger);
  }

  /** The server's answer to the registration; `undefined` before the client has joined. */
  get assignment(): IdAssignmentPayload | undefined {
    return this.work.session?.assignment;
  }

  /** Joins the group over a connection, for the first time or again. */
  async join(
    connection: Connection,
    before: ResumeToken | undefined,
    deadline: number,
  ): Promise<Session> {
    const { peers, signal } = this;
    const { trainer, codecs, secure, subModel } = this.#parts;
    const { handler, options, mode } = this.#host;
    const { joinSeconds, idleSeconds } = this.server.timeouts;
    const resume = before && { ...before, round: trainer.task?.round };
    const agree = (assignment: IdAssignmentPayload) => codecs.agree(assignment, handler.manifest);
    const joining = join(
      connection,
      handler,
      this.#formerRank.askIn(options),
      { resume, mode, deadline, joinSeconds, agree, subModel },
      async () => {
        await trainer.stop();
        codecs.reset();
      },
    );
    const assignment = await withDeadline(this.#formerRank.orWithout(joining, options), { signal });
    const isBack = assignment.run === before?.run;
    if (!isBack) trainer.reset();
    await secure.begin(assignment, isBack, handler, (text) => this.logger.warn(text));
    peers.info("the server", describeJoin(connection.remote, assignment, isBack));
    const advice = describeRecommendation(assignment, handler.privacy !== undefined);
    if (advice !== undefined && !isBack) peers.info("the server", advice);
    const manifest = assignment.mode === "statistics"
      ? Manifest.of(assignment.manifest)
      : handler.manifest;
    const isBusy = () => trainer.isBusy;
    const { downlinkBytes } = codecs;
    return this.work.session = new Session(
      { connection, assignment, manifest, peers, signal, idleSeconds, isBusy, downlinkBytes },
    );
  }

  /** Catches up with the server, then handles its messages until the run is over. */
  async follow(session: Session): Promise<boolean> {
    const { work } = this;
    const { rank, worldSize, rounds, privacy } = session.assignment;
    const isClosed = privacy !== undefined || this.#parts.secure.isOn;
    this.#host.options.onEvent?.({
      type: "joined",
      rank,
      worldSize,
      rounds,
      ...(isClosed && { isClosed }),
    });
    await work.catchUp(session.assignment);
    for (;;) {
      const message = await work.nextMessage();
      session.consume();
      if (message.code === MessageCode.Exit) return await this.#exit(session, message.payload);
      await this.#host.onReceive(SERVER_RANK, message.code, message.payload);
    }
  }

  /** Stops the training, and waits until the handler is free again. */
  async stop(): Promise<void> {
    await this.#parts.trainer.stop();
  }

  /** Answers the server's `Exit`; returns true if another run begins at the same address. */
  async #exit(session: Session, payload: ExitPayload): Promise<boolean> {
    const { reason, over = true, next = false } = payload;
    this.logger.info(`The server says: ${reason}`);
    await session.send({ code: MessageCode.Exit, payload: { reason } });
    if (!over) throw runStopped(payload, session.assignment.mode);
    if (next) this.#formerRank.keep(session.assignment.rank);
    return next;
  }
}
