/** Process of all clients of the round benchmark. */
import { ClientSyncTop } from "../../src/client/sync_topology.ts";
import { silentLogger } from "../../src/base/log/log.ts";
import { StepHandler } from "../helpers/step_handler.ts";

if (import.meta.main) {
  const [serverAddr = "", count, length] = Deno.args;
  const clients = Array.from(
    { length: Number(count) },
    () => new ClientSyncTop(new StepHandler(Number(length)), { serverAddr, logger: silentLogger }),
  );
  await Promise.all(clients.map((client) => client.run()));
}
