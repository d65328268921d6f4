import {
  type ClientBackendHandler,
  ClientSyncTop,
  type ClientTopologyOptions,
  type DistBackendName,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  type SyncParameterServerHandler,
} from "../../mod.ts";

/** Parts of a run of {@linkcode runSync}. */
export interface SyncRunOptions {
  /** Handlers of the clients, in the order of their ranks. */
  clients: readonly ClientBackendHandler[];
  rounds: number;
  /** Transport. Default: memory. */
  distBackend?: DistBackendName;
  server?: Partial<ServerTopologyOptions>;
  /** Further options of a client, by rank. */
  client?: (rank: number) => Partial<ClientTopologyOptions>;
  onEvent?: (event: ServerEvent) => void;
}

const ANY_PORT = { tcp: "127.0.0.1:0", websocket: "ws://127.0.0.1:0/" };

/**
 * Runs a synchronous server and its clients in this thread to the end of all. Rejects as the server
 * does, else as the first client that fails.
 */
export async function runSync(
  handler: SyncParameterServerHandler,
  { clients, rounds, distBackend = "memory", server, client, onEvent }: SyncRunOptions,
): Promise<RunReport> {
  const group = { distBackend, logger: silentLogger };
  let running: Promise<void>[] = [];
  const topology = new ServerSyncTop(handler, {
    ...group,
    listen: distBackend === "memory" ? `sync-${crypto.randomUUID()}` : ANY_PORT[distBackend],
    worldSize: clients.length + 1,
    rounds,
    ...server,
    onEvent: (event) => {
      onEvent?.(event);
      if (event.type !== "listening") return;
      running = clients.map((learner, i) =>
        new ClientSyncTop(learner, {
          ...group,
          serverAddr: event.address,
          rank: i + 1,
          ...client?.(i + 1),
        }).run()
      );
      for (const one of running) one.catch(() => {});
    },
  });
  let fates: PromiseSettledResult<void>[] = [];
  const report = await topology.run()
    .finally(async () => fates = await Promise.allSettled(running));
  const failed = fates.find((fate) => fate.status === "rejected");
  if (failed) throw failed.reason;
  return report;
}
