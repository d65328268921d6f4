/** Process of all clients of the round benchmark. */
import { ClientSyncTop } from "../../src/client/sync_topology.ts";
import { silentLogger } from "../../src/base/log/log.ts";
import { StepHandler } from "../helpers/step_handler.ts";

if (import.meta.main) {
  const [serverAddr = "", count, length, transport] = Deno.args;
  const distBackend = transport === "websocket" ? transport : "tcp";
  const group = { serverAddr, distBackend, logger: silentLogger } as const;
  const clients = Array.from(
    { length: Number(count) },
    () => new ClientSyncTop(new StepHandler(Number(length)), group),
  );
  await Promise.all(clients.map((client) => client.run()));
}
