import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { infoOf, ROOT } from "../structure/modules.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

Deno.test("no module of the library but the cluster's loads a client of NATS", async () => {
  for (const entry of ["mod.ts", "src/sim/mod.ts", "src/server/mod.ts", "src/testing/mod.ts"]) {
    const { modules } = await infoOf(entry);
    assert(modules.length > 100, `${modules.length}`);
    assertEquals(modules.filter(({ specifier }) => specifier.includes("@nats-io")), [], entry);
  }
});

testWithNats(
  "a pool and a machine need the network of the server, and to read their modules",
  async ({ url }) => {
    const program = `
    import { clusterPool, runMachine } from "${ROOT}src/cluster/mod.ts";
    import { digits, initialParameters, logisticRegression, partition, Simulation,
      SyncParameterServerHandler } from "${ROOT}mod.ts";
    const stop = new AbortController(), url = "${url}";
    const machine = runMachine({ url, threads: 1, signal: stop.signal });
    const train = await digits();
    const model = logisticRegression({ inputShape: train.shape, numClasses: train.numClasses });
    const handler = new SyncParameterServerHandler({ ...await initialParameters(model, 1), model });
    const parts = partition("iid", train, { parts: 3, seed: 1 });
    const pool = clusterPool({ url });
    const { rounds } = await new Simulation(handler, { train, parts, rounds: 1, pool }).run();
    stop.abort();
    await machine;
    console.log("rounds", rounds.length);`;
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        ...[
          "run",
          "--no-prompt",
          "--no-check",
          "--frozen",
          "--config",
          new URL("deno.json", ROOT).pathname,
        ],
        ...["--allow-net=127.0.0.1", "--allow-read", "-"],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(program));
    await writer.close();
    const { code, stdout, stderr } = await process.output();
    const text = new TextDecoder();
    assertEquals([code, text.decode(stdout)], [0, "rounds 1\n"], text.decode(stderr));
  },
);
