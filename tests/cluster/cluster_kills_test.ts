import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import {
  digits,
  initialParameters,
  mlp,
  parsePartition,
  Simulation,
  type SimulationOptions,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { connectCluster } from "../../src/cluster/connect.ts";
import { clusterPool } from "../../src/cluster/mod.ts";
import { DONE_STREAM, JOBS_STREAM, VECTORS_STREAM } from "../../src/cluster/names.ts";
import { inFolder, startCommand } from "../helpers/command.ts";
import type { NatsServer } from "../helpers/nats_server.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

const data = await digits();
const model = mlp({ inputShape: data.shape, numClasses: data.numClasses, hiddenUnits: 50 });
const ROUNDS = 4;

/** Trains some rounds, and returns the digest of the model. */
async function digestOf(options: Partial<SimulationOptions>): Promise<string> {
  const handler = new SyncParameterServerHandler({
    ...{ model, seed: 1, fraction: 0.5 },
    ...await initialParameters(model, 1),
  });
  const parts = parsePartition("dirichlet:0.5").deal(data, { parts: 40, seed: 1 });
  const simulation = new Simulation(handler, { train: data, parts, rounds: ROUNDS, ...options });
  return (await simulation.run()).modelDigest;
}

/** Number of messages that all sessions have left in the streams. */
async function leftBehind(url: string): Promise<number> {
  await using cluster = await connectCluster({ url });
  let messages = 0;
  for (const stream of [JOBS_STREAM, DONE_STREAM, VECTORS_STREAM]) {
    const { state } = await cluster.manager.streams.info(stream);
    messages += state.messages + state.consumer_count;
  }
  return messages;
}

/** Calls a function as soon as the second round has its third update. */
function inRoundTwo(act: () => void): NonNullable<SimulationOptions["onEvent"]> {
  let received = 0;
  return (event) => {
    if (event.type === "update-received" && event.round === 2 && ++received === 3) act();
  };
}

/** Trains with machines as processes of their own, while something happens in round 2. */
async function trainWhile(
  server: NatsServer,
  act: (machines: readonly { kill(): void }[]) => void,
): Promise<void> {
  await inFolder(async (folder) => {
    const start = (name: string) =>
      startCommand("worker", [
        ...["--cluster", server.url, "--threads", "1", "--machine-name", name],
        ...["--cache-dir", `${folder}/${name}`],
      ], folder);
    const machines = ["a", "b", "c"].map(start);
    await Promise.all(machines.map((machine) => machine.said(/Waiting for runs/)));
    const [alone, together] = await Promise.all([
      digestOf({}),
      digestOf({
        pool: clusterPool({ url: server.url }),
        onEvent: inRoundTwo(() => act(machines)),
      }),
    ]);
    assertEquals(together, alone);
    for (const machine of machines) machine.kill();
    await Promise.all(machines.map(({ outcome }) => outcome));
  });
  assertEquals(await leftBehind(server.url), 0);
}

testWithNats("a run loses nothing with a machine that is killed", async (server) => {
  let kills = 0;
  await trainWhile(server, ([machine]) => {
    machine?.kill();
    kills++;
  });
  assertEquals(kills, 1);
});

testWithNats("a run loses nothing with a server that is killed and comes back", async (server) => {
  let restarted: Promise<void> | undefined;
  await trainWhile(server, () => {
    restarted = server.restart();
  });
  assert(restarted !== undefined);
  await restarted;
});
