/**
 * Kills processes of a federation at random and says whether that made any difference.
 *
 *     deno task chaos --kills 30 --seed 1
 */
import { parseArgs } from "node:util";
import { chaos, faultsOf } from "./chaos.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    kills: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    keep: { type: "boolean", default: false },
  },
});
const kills = Number(values.kills), seed = Number(values.seed);
const folder = await Deno.makeTempDir();
try {
  const outcome = await chaos({ kills, seed, folder, log: (line) => console.error(line) });
  const faults = faultsOf(outcome, kills);
  const { kills: { server, client }, disturbances, report } = outcome;
  console.log(
    `${server} kills of the server, ${client} of clients, ${disturbances} troubled connections, ` +
      `${report.rounds.length} rounds in ${
        report.seconds.toFixed(0)
      } s, model ${report.modelDigest}`,
  );
  for (const fault of faults) console.log(`wrong: ${fault}`);
  Deno.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  if (values.keep) console.error(`the runs are in ${folder}`);
  else await Deno.remove(folder, { recursive: true });
}
