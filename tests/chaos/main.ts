/**
 * Kills processes of a federation, troubles their connections and their disk, and says whether that
 * made any difference. Exit status 0 when it did not.
 *
 *     deno task chaos --kills 30 --seed 1
 */
import { parseArgs } from "node:util";
import { chaos, faultsOf } from "./chaos.ts";
import { performCluster } from "./cluster/main.ts";
import { type ClusterPlan, drawClusterPlan } from "./cluster/plan.ts";
import { type ChaosPlan, type ChaosSettings, drawPlan, type Given, SECURITIES } from "./plan.ts";

const HELP = `Kills processes of a federation, and troubles their connections and their disk.

  deno task chaos [--kills N] [--seed S] [--seeds COUNT] [--replay FILE] [--plan FILE] [--keep]
                  [--strategy NAME] [--transport NAME] [--security NAME] [--model NAME]
                  [--quorum SHARE] [--hostile yes|no] [--partitions yes|no] [--clients N]
                  [--masked yes|no] [--cluster]

  --kills N          how many processes are killed (30)
  --seed S           seed of the plan and of the run (1)
  --seeds COUNT      how many seeds from there on (1)
  --plan FILE        writes what the seed chose, for --replay; the last seed's
  --replay FILE      does what such a file says
  --keep             leaves the runs' folder
  --strategy NAME    fedavg, fedadam, scaffold, feddyn, ditto, median, fedasync or fedbuff:size=3
  --transport NAME   tcp or websocket
  --security NAME    ${SECURITIES.join(", ")}
  --model NAME       mlp, or 2nn with frames of 220 kB
  --quorum SHARE     share of the updates that a round needs
  --hostile WORD     whether one more client sends what is never sound
  --partitions WORD  whether clients are cut off for longer than their seats are kept
  --clients N        number of clients (6)
  --cluster          kills the workers, the coordinator and the NATS server of a simulation on a
                     cluster instead; needs nats-server, at FEDLAB_NATS, on PATH or in the cache
  --masked WORD      whether updates are masked (no): no process may reveal shares of two attempts
                     at a round

What is not given, the seed chooses.
`;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    kills: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    plan: { type: "string" },
    replay: { type: "string" },
    keep: { type: "boolean", default: false },
    strategy: { type: "string" },
    transport: { type: "string" },
    security: { type: "string" },
    model: { type: "string" },
    quorum: { type: "string" },
    hostile: { type: "string" },
    partitions: { type: "string" },
    clients: { type: "string" },
    masked: { type: "string" },
    cluster: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function given(): Given {
  const { strategy, transport, security, model, quorum, hostile, partitions, clients, masked } =
    values;
  return {
    ...(strategy !== undefined && { strategy }),
    ...(transport !== undefined && { transport: transport as ChaosSettings["transport"] }),
    ...(security !== undefined && { security: security as ChaosSettings["security"] }),
    ...(model !== undefined && { model: model as ChaosSettings["model"] }),
    ...(quorum !== undefined && { quorum: Number(quorum) }),
    ...(hostile !== undefined && { hostile: hostile === "yes" }),
    ...(partitions !== undefined && { partitions: partitions === "yes" }),
    ...(clients !== undefined && { clients: Number(clients) }),
    ...(masked !== undefined && { masked: masked === "yes" }),
  };
}

/** Whether a plan's run is as it would have been. */
async function perform(plan: ChaosPlan): Promise<boolean> {
  console.error(JSON.stringify(plan.settings));
  const folder = await Deno.makeTempDir();
  try {
    const outcome = await chaos({ plan, folder, log: (line) => console.error(line) });
    const faults = faultsOf(outcome);
    const { kills: { server, client }, done, report } = outcome;
    console.log(
      `seed ${plan.settings.seed}: ${server} kills of the server, ${client} of clients, ` +
        `${done} troubles in all, ${report.rounds.length} rounds in ${
          report.seconds.toFixed(0)
        } s, model ${report.modelDigest}`,
    );
    for (const fault of faults) console.log(`wrong: ${fault}`);
    return faults.length === 0;
  } catch (error) {
    console.log(`wrong: ${error instanceof Error ? error.message : error}`);
    return false;
  } finally {
    if (values.keep) console.error(`the runs are in ${folder}`);
    else await Deno.remove(folder, { recursive: true });
  }
}

if (values.help) {
  console.log(HELP);
  Deno.exit(0);
}
let isSound = true;
const first = Number(values.seed), kills = Number(values.kills);
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  if (values.cluster) {
    const plan: ClusterPlan = values.replay === undefined
      ? drawClusterPlan(seed, kills)
      : JSON.parse(await Deno.readTextFile(values.replay));
    const isWell = await performCluster(plan, values.keep);
    if (!isWell) console.log(`replay: ${JSON.stringify(plan)}`);
    isSound &&= isWell;
    if (values.replay !== undefined) break;
    continue;
  }
  const plan: ChaosPlan = values.replay === undefined
    ? drawPlan(seed, kills, given())
    : JSON.parse(await Deno.readTextFile(values.replay));
  if (values.plan !== undefined) {
    await Deno.writeTextFile(values.plan, `${JSON.stringify(plan, null, 1)}\n`);
  }
  const isWell = await perform(plan);
  if (!isWell) console.log(`replay: ${JSON.stringify(plan)}`);
  isSound &&= isWell;
  if (values.replay !== undefined) break;
}
Deno.exitCode = isSound ? 0 : 1;
