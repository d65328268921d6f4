import { type NatsOptions, natsProgram, NatsServer } from "./nats_server.ts";

/** Said of each test that is left out. `.ci/run` counts the tests whose names end so. */
const NEEDS = "(needs nats-server, at FEDLAB_NATS, on PATH or in the cache folder)";

let numLeftOut = 0;

/** A test against a server of its own, where `nats-server` is; else it is left out, loudly. */
export function testWithNats(
  claim: string,
  test: (server: NatsServer) => Promise<void>,
  options: NatsOptions = {},
): void {
  testNeedingNats(claim, async () => {
    await using server = await NatsServer.start(options);
    try {
      await test(server);
    } catch (error) {
      console.error(`The log of nats-server:${server.log.split("Server is ready").at(-1)}`);
      throw error;
    }
  });
}

/** A test that starts its servers itself, where `nats-server` is; else it is left out, loudly. */
export function testNeedingNats(claim: string, fn: () => Promise<void>): void {
  const ignore = natsProgram === undefined;
  Deno.test({ name: ignore ? `${claim} ${NEEDS}` : claim, ignore, fn });
  if (ignore && numLeftOut++ === 0) addEventListener("unload", tellLeftOut);
}

function tellLeftOut(): void {
  console.error(`!!! ${numLeftOut} tests of the cluster were left out ${NEEDS}`);
}
