/**
 * Process of a server whose clients do not train, to be killed and started again: prints its
 * address, a line for each round, and at the end its figures.
 */
import { silentLogger } from "../../src/base/log/log.ts";
import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { ServerSyncTop } from "../../src/server/sync_topology.ts";
import { CheckpointStore } from "../../src/store/checkpoint/files/checkpoint_store.ts";
import { flatManifest } from "../helpers/step_handler.ts";

/** Figures of a server's run. */
export interface LiveFigures {
  /** Digest of the model. */
  readonly model: string;
  /** Fewest updates of a round. */
  readonly received: number;
  /** Number of connections that were lost during the run. */
  readonly lost: number;
  /** Largest resident memory at the end of a round, in bytes. */
  readonly memory: number;
}

if (import.meta.main) {
  const [listen = "", clients = "", values = "", rounds = "", folder = ""] = Deno.args;
  const manifest = flatManifest(Number(values));
  const checkpoints = new CheckpointStore(folder);
  const resume = await checkpoints.latest();
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(manifest.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  let lost = 0, memory = 0;
  const server = new ServerSyncTop(handler, {
    listen,
    worldSize: Number(clients) + 1,
    minClients: Number(clients),
    rounds: Number(rounds),
    quorum: 1,
    logger: silentLogger,
    checkpoints,
    ...(resume && { resume }),
    onEvent: (event) => {
      if (event.type === "listening") console.log(event.address);
      if (event.type === "client-away" || event.type === "client-lost") lost++;
      if (event.type !== "round-ended") return;
      memory = Math.max(memory, Deno.memoryUsage().rss);
      console.log(`round ${event.report.round}`);
    },
  });
  const report = await server.run();
  const received = Math.min(...report.rounds.map((round) => round.received));
  const figures: LiveFigures = { model: report.modelDigest, received, lost, memory };
  console.log(JSON.stringify(figures));
}
