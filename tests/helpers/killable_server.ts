/**
 * Server of clients that do not train, to be killed and started again: saves checkpoints in a
 * folder, prints its address and the round of each model, and at the end the digest of the model
 * and the fewest updates of a round.
 */
import {
  CheckpointStore,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { vectorManifest } from "./fake_handler.ts";

if (import.meta.main) {
  const [listen = "", clients = "", values = "", rounds = "", folder = ""] = Deno.args;
  const manifest = vectorManifest(Number(values));
  const checkpoints = new CheckpointStore(folder);
  const resume = await checkpoints.latest();
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(manifest.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
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
      if (event.type === "round-ended") console.log(`round ${event.report.round}`);
    },
  });
  const report = await server.run();
  const fewest = Math.min(...report.rounds.map(({ received }) => received));
  console.log(`model ${report.modelDigest} of ${fewest} updates`);
}
