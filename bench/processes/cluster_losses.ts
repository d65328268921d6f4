/**
 * Prints the seconds of rounds in which a process of a cluster is killed, and those of rounds on
 * one machine and on two. Needs nats-server; figures are those of a computer with two free cores.
 *
 *     deno run -A bench/processes/cluster_losses.ts worker|server|machines
 */
import { clusterPool } from "../../src/cluster/mod.ts";
import {
  digits,
  initialParameters,
  mlp,
  partitionIid,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { startCommand } from "../../tests/helpers/command.ts";
import { NatsServer } from "../../tests/helpers/nats_server.ts";
import { median } from "../result.ts";

/** Clients of a round; each has 15 rows. */
const CLIENTS = 100;
/** Update of a round after which a process is killed, and rounds between two kills. */
const KILLED_AT = 10, ROUNDS_BETWEEN = 6;
const KILLS = 5;
/** Milliseconds that the server is away. */
const AWAY_MILLIS = 500;
/** Rounds in which code is still compiled. */
const WARM_UP = 2;

const [what = "worker"] = Deno.args;
const data = await digits();
const model = mlp({ inputShape: data.shape, numClasses: data.numClasses, hiddenUnits: 50 });
const parts = partitionIid(data, CLIENTS, { seed: 1 });

await using server = await NatsServer.start();
const folder = await Deno.makeTempDir();
let started = 0;
const start = () => {
  const cache = ["--cache-dir", `${folder}/${started++}`];
  return startCommand("worker", ["--cluster", server.url, "--threads", "1", ...cache], folder);
};
const workers = [start()];
await workers[0]?.said(/Waiting for runs/);

/** Trains some rounds; `onUpdate` has the number of the round and that of the update in it. */
async function secondsOf(
  { rounds, epochs }: { readonly rounds: number; readonly epochs: number },
  onUpdate: (round: number, update: number) => void = () => {},
): Promise<number[]> {
  const seconds: number[] = [];
  let updates = 0;
  const handler = new SyncParameterServerHandler({
    ...{ model, seed: 1, plan: { learningRate: 0.01, batchSize: 15, epochs } },
    ...await initialParameters(model, 1),
  });
  await new Simulation(handler, {
    ...{ train: data, parts, rounds, evaluateClients: false },
    pool: clusterPool({ url: server.url }),
    onEvent(event) {
      if (event.type === "update-received") onUpdate(event.round, ++updates);
      if (event.type !== "round-ended") return;
      updates = 0;
      seconds.push(event.report.seconds);
    },
  }).run();
  return seconds;
}

const shown = (seconds: readonly number[]) => seconds.map((each) => each.toFixed(2)).join(", ");
let restarting = Promise.resolve();

/** Kills a worker and starts another, or kills the server and starts it again. */
function kill(): void {
  if (what === "worker") {
    workers.shift()?.kill();
    workers.push(start());
    return;
  }
  restarting = server.kill()
    .then(() => new Promise((resolve) => setTimeout(resolve, AWAY_MILLIS)))
    .then(() => server.restart());
}

if (what === "machines") {
  for (const count of [1, 2]) {
    while (workers.length < count) await workers[workers.push(start()) - 1]?.said(/Waiting/);
    const seconds = (await secondsOf({ rounds: 10, epochs: 900 })).slice(WARM_UP);
    console.log(`${count} machines: median ${median(seconds).toFixed(2)} s of ${shown(seconds)}`);
  }
} else {
  workers.push(start());
  const killed = new Set<number>(), rounds = ROUNDS_BETWEEN * (KILLS + 1);
  const seconds = await secondsOf({ rounds, epochs: 5 }, (round, update) => {
    if (round % ROUNDS_BETWEEN !== 0 || update !== KILLED_AT || round === rounds) return;
    killed.add(round);
    kill();
  });
  await restarting;
  const calm = seconds.filter((_, i) => i >= WARM_UP && !killed.has(i + 1));
  const hit = seconds.filter((_, i) => killed.has(i + 1));
  console.log(
    `rounds left alone: median ${median(calm).toFixed(2)} s; with a kill: ${shown(hit)} s`,
  );
}
for (const worker of workers) worker.kill();
await Promise.all(workers.map(({ outcome }) => outcome));
await Deno.remove(folder, { recursive: true });
