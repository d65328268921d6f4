import type { Gatekeeper } from "../../auth/challenge.ts";
import { errorMessage } from "../../base/errors.ts";
import { makeLastingFolder } from "../../base/files/folder.ts";
import type { Logger } from "../../base/log/log.ts";
import { parseCodec } from "../../codec/registry.ts";
import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { CentralPrivacy } from "../../privacy/central_privacy.ts";
import { parsePrivacy } from "../../privacy/parse.ts";
import { AsyncParameterServerHandler } from "../../round/handler/async_handler.ts";
import type { ServerHandlerOptions } from "../../round/handler/options.ts";
import { SyncParameterServerHandler } from "../../round/handler/sync_handler.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import { AuditLog } from "../../server/audit_log.ts";
import { ServerAsyncTop } from "../../server/asynchronous/async_topology.ts";
import { ServerSyncTop } from "../../server/sync_topology.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import { CheckpointStore } from "../../store/checkpoint/files/checkpoint_store.ts";
import { parseAsyncStrategy, parseStrategy } from "../../strategy/registry.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import type { History } from "../history.ts";
import type { ProcessContext } from "../world.ts";
import type { FederationPlan } from "./plan.ts";
import { initialVector, meanSquare, stepManifest } from "./step_handler.ts";

/** Address of the server. */
export const SERVER_ADDRESS = "server:9000";
/** Folder of the run on the server's disk. */
export const RUN_FOLDER = "/run";

/** Parts of the server's program that outlive its process. */
export interface ServerProgram {
  readonly plan: FederationPlan;
  readonly gatekeeper: Gatekeeper | undefined;
  readonly history: History;
}

/** Returns a logger whose lines go to the log of the world. */
export function worldLogger(log: (line: string) => void): Logger {
  return {
    debug() {},
    info: (message) => log(message),
    warn: (message) => log(`WARN ${message}`),
    error: (message) => log(`ERROR ${message}`),
  };
}

/**
 * Runs the server of a federation, from its newest checkpoint if there is one, to the end of the
 * run.
 */
export async function serve(
  { plan, gatekeeper, history }: ServerProgram,
  { transport, log }: ProcessContext,
  signal: AbortSignal,
): Promise<void> {
  const store = new CheckpointStore(`${RUN_FOLDER}/checkpoints`, {
    onWarning: (text) => log(`WARN ${text}`),
  });
  await makeLastingFolder(RUN_FOLDER);
  const resume = await store.latest();
  history.add({
    ...{ type: "started", machine: "server" },
    ...(resume && { resumedFrom: resume.round }),
  });
  using audit = new AuditLog(`${RUN_FOLDER}/audit.jsonl`, {
    clients: plan.clients,
    onWarning: (text) => log(`WARN ${text}`),
  });
  const server = serverOf(plan, history, {
    listen: SERVER_ADDRESS,
    distBackend: transport,
    worldSize: plan.clients + 1,
    minClients: plan.minClients,
    checkpoints: store,
    ...(resume && { resume }),
    ...(gatekeeper && { gatekeeper }),
    logger: worldLogger(log),
    limits: { arrivalsPerSecond: 10_000, arrivalsAtOnce: 10_000 },
    timeouts: timeoutsOf(plan),
    onEvent: (event) => {
      audit.record(event);
      history.onServerEvent?.(event);
      record(event, history, () => server.handler.parameters);
    },
  });
  const report = await server.run({ signal });
  history.add({ type: "finished", report });
}

/** Returns the time-outs of a plan. */
export function timeoutsOf(
  { roundSeconds, heartbeatSeconds, joinSeconds }: FederationPlan,
): { roundSeconds: number; heartbeatSeconds: number; joinSeconds: number } {
  return { roundSeconds, heartbeatSeconds, joinSeconds };
}

function serverOf(
  plan: FederationPlan,
  history: History,
  options: Omit<ConstructorParameters<typeof ServerSyncTop>[1], "rounds">,
): ServerSyncTop | ServerAsyncTop {
  const common: ServerHandlerOptions = {
    manifest: stepManifest(plan.length),
    parameters: initialVector(plan.length),
    seed: plan.seed,
    ...(plan.uplink !== undefined && { uplink: parseCodec(plan.uplink) }),
    ...(plan.downlink !== undefined && { downlink: parseCodec(plan.downlink) }),
    ...(plan.isMasked && {
      secureAggregation: {
        ...{ minMembers: 3, maxMembers: plan.clients },
        ...(plan.isSigned && { signed: true }),
      },
    }),
    ...(plan.evaluates === "server" && {
      evaluator: (vector) => Promise.resolve({ numSamples: 1, loss: meanSquare(vector) }),
    }),
  };
  const { rounds, quorum } = plan;
  if (plan.isAsync) {
    const handler = new AsyncParameterServerHandler({
      ...common,
      strategy: parseAsyncStrategy(plan.strategy),
    });
    return new ServerAsyncTop(handler, { ...options, versions: rounds });
  }
  const handler = new WatchedHandler({
    ...common,
    strategy: strategyOf(plan),
    fraction: plan.fraction,
    overSelection: plan.overSelection,
  }, history);
  return new ServerSyncTop(handler, { ...options, rounds, quorum, roundTries: 100 });
}

function strategyOf({ strategy, privacy, rounds, clients, fraction }: FederationPlan) {
  const then = parseStrategy(strategy);
  if (privacy === undefined) return then;
  const cohort = Math.max(1, Math.round(fraction * clients));
  return new CentralPrivacy({ ...parsePrivacy(privacy), rounds, clients, cohort, then });
}

/** Handler that writes down which updates it takes in. */
class WatchedHandler extends SyncParameterServerHandler {
  readonly #history: History;
  #round = 0;

  constructor(
    options: ConstructorParameters<typeof SyncParameterServerHandler>[0],
    history: History,
  ) {
    super(options);
    this.#history = history;
  }

  override beginRound(round: number, numClients: number): void {
    this.#round = round;
    this.#history.add({ type: "opened", round });
    super.beginRound(round, numClients);
  }

  override onReceive(sender: Rank, payload: ParameterUpdatePayload): void {
    const { parameters } = payload;
    this.#history.add({
      ...{ type: "taken", round: this.#round, rank: sender },
      vector: parameters.slice(),
    });
    super.onReceive(sender, payload);
  }
}

function record(event: ServerEvent, history: History, model: () => ParameterVector): void {
  switch (event.type) {
    case "client-joined": {
      const { rank, identity, address, isBack } = event;
      return history.add({ type: "admitted", rank, identity, address, isBack });
    }
    case "client-lost":
      return history.add({ type: "lost", rank: event.rank });
    case "round-ended":
      return history.add({ type: "round", report: event.report, model: model().slice() });
    case "checkpoint":
      return history.add({ type: "saved", round: event.round });
  }
}

/** Returns the newest checkpoint on a disk that a process of its machine may read. */
export async function newestCheckpoint(): Promise<Checkpoint | undefined> {
  try {
    return await new CheckpointStore(`${RUN_FOLDER}/checkpoints`).latest();
  } catch (error) {
    throw new Error(`Cannot read the checkpoints: ${errorMessage(error)}`, { cause: error });
  }
}
