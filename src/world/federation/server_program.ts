import type { Gatekeeper } from "../../auth/challenge.ts";
import { makeLastingFolder } from "../../base/files/folder.ts";
import type { Logger } from "../../base/log/log.ts";
import type { Timeouts } from "../../net/timeouts.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { AsyncParameterServerHandler } from "../../round/handler/async_handler.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import { AuditLog } from "../../server/audit_log.ts";
import { ServerAsyncTop } from "../../server/asynchronous/async_topology.ts";
import { ServerSyncTop } from "../../server/sync_topology.ts";
import { CheckpointStore } from "../../store/checkpoint/files/checkpoint_store.ts";
import { parseAsyncStrategy } from "../../strategy/registry.ts";
import type { VirtualDisk } from "../disk/virtual_disk.ts";
import type { History } from "../history.ts";
import type { ProcessContext } from "../world.ts";
import type { FederationPlan } from "./plan.ts";
import { Results, resultsOn, RUN_FOLDER, sizesIn } from "./results.ts";
import { commonOptions, syncOptions } from "./server_parts.ts";
import { WatchedHandler } from "./watched_handler.ts";

/** Address of the server. */
export const SERVER_ADDRESS = "server:9000";

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
  { process, transport, log }: ProcessContext,
  signal: AbortSignal,
): Promise<void> {
  const { disk } = process.machine;
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
  const results = new Results(plan, (text) => log(`WARN ${text}`));
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
      record(event, { history, model, disk });
      if (event.type !== "round-ended") return;
      for (const found of resultsOn(disk)) history.add({ type: "found", ...found });
      // Also where the round cannot be saved, such as on a full disk.
      results.write(event.report.round, model());
    },
  });
  const model = () => server.handler.parameters;
  const report = await server.run({ signal });
  await results.finish(report, model());
  history.add({ type: "finished", report });
}

/** Returns the time-outs of a plan. */
export function timeoutsOf(
  { roundSeconds, heartbeatSeconds, joinSeconds, idleSeconds }: FederationPlan,
): Partial<Timeouts> {
  return {
    ...{ roundSeconds, heartbeatSeconds, joinSeconds },
    ...(idleSeconds !== undefined && { idleSeconds }),
  };
}

function serverOf(
  plan: FederationPlan,
  history: History,
  options: Omit<ConstructorParameters<typeof ServerSyncTop>[1], "rounds">,
): ServerSyncTop | ServerAsyncTop {
  const { rounds, quorum, strategy } = plan;
  if (plan.isAsync) {
    const handler = new AsyncParameterServerHandler({
      ...commonOptions(plan),
      strategy: parseAsyncStrategy(strategy),
    });
    return new ServerAsyncTop(handler, { ...options, versions: rounds });
  }
  const handler = new WatchedHandler(syncOptions(plan), history);
  return new ServerSyncTop(handler, { ...options, rounds, quorum, roundTries: 100 });
}

function record(
  event: ServerEvent,
  { history, model, disk }: {
    readonly history: History;
    readonly model: () => ParameterVector;
    readonly disk: VirtualDisk;
  },
): void {
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
      return history.add({ type: "saved", round: event.round, sizes: sizesIn(disk) });
  }
}
