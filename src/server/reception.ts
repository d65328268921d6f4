import { errorMessage, ProtocolError } from "../base/errors.ts";
import type { Logger } from "../base/log/log.ts";
import type { Rank } from "../base/rank.ts";
import { describeChange } from "./sessions/key_changes.ts";
import { keepsState } from "../plan/rules/rules.ts";
import { FIELDS_BYTES, type FrameHeader } from "../wire/frame.ts";
import { messageName } from "../wire/message_code.ts";
import { type Agreement, checkUpdateCode, type Parts, type PeerLogs } from "./agreement.ts";
import type { Conversation } from "./conversation.ts";
import { EvaluationExchange } from "../round/cohort/evaluation_exchange.ts";
import { updateCodeFor } from "../round/cohort/update_message.ts";
import { DEFAULT_PEER_LIMITS, peerLimitsOf } from "./sessions/gate.ts";
import type { IncomingBody } from "../round/cohort/cohort_collector.ts";
import type { Welcome } from "./sessions/member.ts";
import type { RunRecord } from "../round/record/run_record.ts";
import type { SavedRanks } from "../round/record/saved_run.ts";
import { type SessionHooks, Sessions } from "./sessions/sessions.ts";
import type { Uploads } from "./uploads.ts";
import type { ServerEvent } from "../round/report/events.ts";
import { DEFAULT_SERVER_NAME } from "./topology.ts";

/** Whom the reception works for. */
interface House {
  readonly parts: Parts;
  readonly agreement: Agreement;
  readonly record: RunRecord;
  readonly conversation: Conversation;
  readonly logger: Logger;
  /** Logs what peers cause. */
  readonly peers: PeerLogs;
  readonly uploads: Uploads;
  tell(event: ServerEvent): void;
  /** A number that is another one whenever the run has got on. */
  progress(): number;
  /** A message was refused. */
  refused(): void;
}

/** Opens the sessions of a run, of which clients with those seats may have been part before. */
export async function openSessions(house: House, seats?: SavedRanks): Promise<Sessions> {
  const { parts: { options, timeouts }, agreement, peers } = house;
  const sessions: Sessions = new Sessions({
    worldSize: options.worldSize,
    seats,
    door: {
      gatekeeper: options.gatekeeper ?? { kind: "open" },
      serverName: options.serverName ?? DEFAULT_SERVER_NAME,
      welcome: await welcomeOf(house),
      awaits: (rank) => agreement.awaits(rank),
    },
    limits: peerLimitsOf({
      connections: Math.max(DEFAULT_PEER_LIMITS.connections, 2 * options.worldSize),
      ...options.limits,
    }),
    timeouts,
    peers,
    progress: () => house.progress(),
    hooks: hooksOf(house, () => sessions.seats.group.progress),
  });
  return sessions;
}

function hooksOf(house: House, progressOf: () => string): SessionHooks {
  const { parts: { handler }, agreement, record, conversation, logger, peers: { members } } = house;
  const joining = (rank: Rank) => {
    const progress = progressOf();
    if (record.rounds.length > 0 || agreement.hasBegun) return;
    members.info(`rank ${rank}`, progress);
    house.tell({ type: "joining", progress });
  };
  return {
    place: (rank, header, incoming) => place(rank, header, incoming, house),
    release: (rank, buffer) => {
      house.uploads.end(rank);
      handler.staging.giveBack(buffer);
      agreement.release(rank);
    },
    message: (rank, message) => {
      house.uploads.end(rank);
      return message === undefined
        ? Promise.reject(agreement.refusal(rank))
        : agreement.receive(rank, message);
    },
    joined: (client) => {
      const { rank, identity, name, address, agent, numSamples, round, isBack } = client;
      handler.onJoin(rank, numSamples);
      house.tell({
        type: "client-joined",
        rank,
        identity,
        ...(name !== undefined && { name }),
        address,
        agent,
        numSamples,
        isBack,
      });
      const { rule } = handler.plan, taken = agreement.taken(rank) ?? 0;
      if (!isBack && taken > 0 && keepsState(rule)) {
        members.warn(
          `rank ${rank}`,
          `Rank ${rank} has joined anew: what it had kept for ${rule?.name} up to round ${taken} is lost, and the result is not that of an undisturbed run`,
        );
      }
      joining(rank);
      const { exchange } = conversation;
      if (exchange instanceof EvaluationExchange && exchange.collector.isPending(rank)) {
        // Who trains again already is not stopped for figures that were lost.
        const isBusy = round !== undefined && round === agreement.awaits(rank);
        if (isBusy) exchange.collector.settle(rank, "dropped", "its figures were lost");
        else conversation.activate(rank);
      }
      agreement.joined(client);
    },
    away: (rank, reason) => {
      agreement.away?.(rank);
      if (record.isOver) return;
      members.warn(
        `rank ${rank}`,
        `Lost the connection of rank ${rank}, which may come back: ${reason}`,
      );
      house.tell({ type: "client-away", rank, reason });
      joining(rank);
    },
    lost: (rank, reason) => {
      conversation.exchange?.collector.settle(rank, "dropped", reason);
      agreement.lost?.(rank, reason);
      // After the last round a client goes as it should.
      if (record.isOver) return;
      members.warn(`rank ${rank}`, `Lost rank ${rank}: ${reason}`);
      house.tell({ type: "client-lost", rank, reason });
      joining(rank);
    },
    refused: () => house.refused(),
    forgiven: (rank, { fault, message }) => {
      members.warn(`rank ${rank}`, message);
      house.tell({ type: "update-refused", rank, fault, message });
    },
    turnedAway: (address, error) =>
      house.tell({
        type: "client-refused",
        address,
        ...(error instanceof ProtocolError && { fault: error.fault }),
        message: errorMessage(error),
      }),
    keysChanged: async (change) => {
      if (change instanceof Error) {
        return logger.error(`${errorMessage(change)}; the list that was read before stays`);
      }
      const { text, ...fingerprints } = await describeChange(change);
      logger.info(text);
      house.tell({ type: "keys-changed", ...fingerprints });
    },
  };
}

/** What every client is told that joins. */
async function welcomeOf({ parts, agreement: { mode }, record }: House): Promise<Welcome> {
  const { handler, options, timeouts } = parts;
  return {
    rounds: options.rounds,
    run: record.name,
    heartbeatSeconds: timeouts.heartbeatSeconds,
    // A group may take as long to gather; a round's time-out is given twice to those who have begun
    // to answer.
    patienceSeconds: Math.max(timeouts.joinSeconds, 2 * timeouts.roundSeconds),
    seed: handler.seed,
    strategy: handler.strategyName,
    // A client that does not know of modes knows the synchronous one.
    ...(mode !== "sync" && { mode }),
    plan: handler.plan,
    manifest: handler.manifest.tensors.map(({ name, shape, dtype, trainable }) => ({
      name,
      shape,
      dtype,
      trainable,
    })),
    manifestDigest: await handler.manifest.digest(),
    ...(handler.model && { model: { ...handler.model } }),
  };
}

/** Where a body goes: an expected update to a staging buffer when it may be read, another nowhere, the rest to a buffer of their own. */
async function place(
  rank: Rank,
  { code, bodyLength }: FrameHeader,
  incoming: IncomingBody,
  { parts: { handler }, agreement, uploads }: House,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  checkUpdateCode(rank, code, handler, agreement);
  const isUpdate = code === updateCodeFor(handler.plan);
  const most = FIELDS_BYTES + (isUpdate ? handler.manifest.byteLength : 0);
  if (bodyLength > most) {
    throw new ProtocolError(
      "frame-too-large",
      `Cannot read ${
        messageName(code)
      }: expected at most ${most} bytes for this model, got ${bodyLength}`,
    );
  }
  if (!isUpdate) return new Uint8Array(bodyLength);
  uploads.wait();
  let buffer: Uint8Array<ArrayBuffer>;
  try {
    if (!await agreement.admit(rank, incoming)) return undefined;
    buffer = await handler.staging.lend();
  } finally {
    uploads.waited();
  }
  agreement.started?.(rank);
  uploads.begin(rank, incoming);
  return buffer;
}
