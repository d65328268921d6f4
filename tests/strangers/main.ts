/**
 * Lets strangers come to a server while it runs a federation, and says what that cost it. Takes
 * Linux, and some minutes.
 *
 *     deno run -A tests/strangers/main.ts
 *     deno run -A tests/strangers/main.ts --kind "endless fragments" --count 1 --rounds 200
 *
 * `--root DIR` tries another checkout.
 */
import { parseArgs } from "node:util";
import { type Attack, ATTACKS } from "./attacks.ts";
import { federate, type Outcome } from "./strangers.ts";

/** Strangers of each kind, and by how many MiB the server may grow. */
const TRIALS: readonly [kind: Attack, count: number, addresses: number, most: number][] = [
  ["half requests", 10_000, 1, 50],
  ["half requests", 10_000, 10, 50],
  ["half frames", 10_000, 1, 50],
  ["half frames", 10_000, 10, 50],
  ["half TLS handshakes", 10_000, 10, 150],
  ["endless fragments", 1, 1, 20],
  ["endless fragments", 200, 1, 20],
  ["empty fragments", 200, 1, 20],
  ["large frames", 20, 1, 20],
];

const { values } = parseArgs({
  args: Deno.args,
  options: {
    kind: { type: "string" },
    count: { type: "string" },
    rounds: { type: "string", default: "300" },
    descriptors: { type: "string", default: "1024" },
    root: { type: "string", default: `${import.meta.dirname}/../..` },
  },
});
const kinds = Object.keys(ATTACKS) as Attack[];
const kind = kinds.find((kind) => kind === values.kind);
if (values.kind !== undefined && kind === undefined) {
  console.error(`Expected --kind to be one of ${kinds.join(", ")}, got ${values.kind}`);
  Deno.exit(2);
}
const trials = TRIALS.filter(([one, count]) =>
  (kind === undefined || one === kind) &&
  (values.count === undefined || count === Number(values.count))
);
const common = {
  rounds: Number(values.rounds),
  descriptors: Number(values.descriptors),
  root: await Deno.realPath(values.root),
  held: 5000,
};
const mib = (bytes: number) => Math.round(bytes / 2 ** 20);

async function federateAlone(kind: Attack): Promise<Outcome> {
  const outcome = await federate({ ...common, kind, count: 0, addresses: 1 }, false);
  const { before, peak } = outcome.memory;
  console.log(
    `alone, as for ${kind}: ${outcome.rounds} rounds, ${mib(before)} to ${mib(peak)} MiB`,
  );
  return outcome;
}

// The first server of a checkout compiles it, which takes memory.
await federate({ ...common, kind: "half frames", count: 0, addresses: 1, rounds: 1 }, false);
const alones = new Map<Attack, Outcome>();
for (const [kind, count, addresses, most] of trials) {
  const { status, digest, rounds, closed, memory, lines } = await federate(
    { ...common, kind, count, addresses },
    true,
  );
  // A federation without strangers grows, too.
  const like = kind === "half frames" || kind === "half TLS handshakes" ? kind : "half requests";
  const alone = alones.get(like) ?? await federateAlone(like);
  alones.set(like, alone);
  const growth = mib(memory.peak) - mib(alone.memory.peak);
  const isSame = digest !== undefined && digest === alone.digest;
  console.log(
    `${count} × ${kind} from ${addresses}: status ${status}, ${rounds} rounds, ${closed} closed, ` +
      `${mib(memory.before)} to ${mib(memory.peak)} MiB, ${growth} more than alone, ` +
      `${lines.length} lines, ${isSame ? "the same model" : "ANOTHER MODEL"}`,
  );
  if (!isSame || growth > most) Deno.exitCode = 1;
}
