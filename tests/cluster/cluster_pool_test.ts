import { ClusterPool } from "../../src/cluster/cluster_pool.ts";
import { testClientPool } from "../../src/testing/mod.ts";
import type { ClientPool, ClientPoolOptions } from "../../src/sim/client_pool.ts";
import { Machines } from "../helpers/machines.ts";
import { natsProgram, NatsServer } from "../helpers/nats_server.ts";
import { testNeedingNats } from "../helpers/test_with_nats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Starts a pool on a server and a machine of its own, which end with it. */
async function start(options: ClientPoolOptions): Promise<ClientPool> {
  await using parts = new AsyncDisposableStack();
  const server = parts.use(await NatsServer.start());
  parts.use(new Machines(server.url, 2));
  const pool = parts.use(await ClusterPool.start({ url: server.url }, options));
  const all = parts.move();
  return {
    publish: (input) => pool.publish(input),
    run: (jobs, options) => pool.run(jobs, options),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

if (natsProgram !== undefined) testClientPool("ClusterPool", start);
else testNeedingNats("ClusterPool does what every pool does", async () => {});
