/**
 * Process of a server, or of clients that do not train, whose rounds pass a slow link. The server
 * prints the seconds of its rounds.
 */
import { silentLogger } from "../../src/base/log/log.ts";
import { ClientSyncTop } from "../../src/client/sync_topology.ts";
import { parseCodec } from "../../src/codec/registry.ts";
import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { ServerSyncTop } from "../../src/server/sync_topology.ts";
import { flatManifest, StepHandler } from "../helpers/step_handler.ts";

if (import.meta.main) {
  const [side = "", address = "", values = "", rounds = "", clients = "", ...codecs] = Deno.args;
  const [uplink = "", downlink = ""] = codecs, length = Number(values), count = Number(clients);
  if (side === "clients") {
    const options = { serverAddr: address, logger: silentLogger };
    const running = Array.from(
      { length: count },
      () => new ClientSyncTop(new StepHandler(length), options).run(),
    );
    await Promise.all(running);
  } else {
    const handler = new SyncParameterServerHandler({
      manifest: flatManifest(length),
      parameters: Float32Array.from({ length }, (_, i) => Math.sin(i)),
      ...(uplink !== "" && { uplink: parseCodec(uplink) }),
      ...(downlink !== "" && { downlink: parseCodec(downlink) }),
      evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
    });
    const report = await new ServerSyncTop(handler, {
      listen: address,
      worldSize: count + 1,
      rounds: Number(rounds),
      logger: silentLogger,
      onEvent: ({ type }) => {
        if (type === "listening") console.log("listening");
      },
    }).run();
    console.log(JSON.stringify(report.rounds.map(({ seconds }) => seconds)));
  }
  Deno.exit(0);
}
