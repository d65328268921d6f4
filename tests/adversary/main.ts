/**
 * Runs federations with hostile members, and clients of malicious servers, and says which rules
 * were broken. Exit status 0 when none were.
 *
 *     deno task adversary --seed 1 --seeds 1000 --rounds 20
 */
import { parseArgs } from "node:util";
import { doJobs, type Job, type Replay, type Result } from "./adversary.ts";
import { CASES } from "./cases.ts";
import { drawSettings, type Given, type TransportName } from "./settings.ts";
import { drawVictimSettings } from "./victim.ts";

const HELP = `Runs federations with hostile members, and clients of malicious servers, by seeds.

  deno task adversary [--seed S] [--seeds COUNT] [--rounds N] [--transport NAME] [--strategy NAME]
                      [--kind server|client|both] [--case slow|stalled|huge]
                      [--jobs N] [--traces FOLDER] [--replay FILE] [--verbose]

  --seed S          the first seed (1)
  --seeds COUNT     how many seeds from there on (1)
  --rounds N        rounds of each run (10)
  --transport NAME  tcp, websocket or memory (drawn)
  --strategy NAME   one of the strategies (each in turn)
  --kind KIND       who is the victim: a server, a client, or both in turn (both)
  --case NAME       a scripted case instead of drawn choices
  --jobs N          runs at a time (16)
  --traces FOLDER   writes each run that broke a rule to FOLDER/SEED.json
  --replay FILE     makes the choices of such a file again
  --verbose         prints the servers' logs
`;

/** Every so many-th seed is a client's. */
const CLIENT_SEEDS = 4;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    rounds: { type: "string" },
    transport: { type: "string" },
    strategy: { type: "string" },
    kind: { type: "string", default: "both" },
    case: { type: "string" },
    jobs: { type: "string", default: "16" },
    traces: { type: "string" },
    replay: { type: "string" },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function count(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  console.error(`Cannot use --${name}: expected a whole number of at least ${least}, got ${text}`);
  Deno.exit(2);
}

function* jobs(): Generator<Job> {
  if (values.replay !== undefined) {
    const { kind, settings, trace } = JSON.parse(Deno.readTextFileSync(values.replay)) as Replay;
    yield { kind, settings, trace } as Job;
    return;
  }
  const given: Given = {
    ...(values.transport !== undefined && { transport: values.transport as TransportName }),
    ...(values.strategy !== undefined && { strategy: values.strategy }),
    ...(values.rounds !== undefined && { rounds: count("rounds", values.rounds) }),
  };
  const first = count("seed", values.seed, 0);
  for (let seed = first; seed < first + count("seeds", values.seeds); seed++) {
    const scripted = values.case === undefined ? undefined : CASES[values.case];
    if (scripted !== undefined) {
      for (const { settings, script } of scripted(seed, given)) {
        yield { kind: "server", settings, script };
      }
    } else if (values.kind === "client" || (values.kind === "both" && seed % CLIENT_SEEDS === 0)) {
      const { transport } = given;
      yield { kind: "client", settings: drawVictimSettings(seed, transport ? { transport } : {}) };
    } else yield { kind: "server", settings: drawSettings(seed, { rounds: 10, ...given }) };
  }
}

function tell({ job, line, violations, replay, seconds, lagMillis }: Result): void {
  const { seed } = job.settings;
  const late = lagMillis > 100 ? `, timers late by ${lagMillis.toFixed(0)} ms` : "";
  console.log(
    `seed ${seed}: ${line} in ${seconds.toFixed(1)} s${late}, ${violations.length} violations`,
  );
  for (const { invariant, text } of violations) console.log(`  (${invariant}) ${text}`);
  if (violations.length === 0) return;
  const text = JSON.stringify(replay);
  if (values.traces === undefined) return console.log(`  replay: ${text}`);
  Deno.mkdirSync(values.traces, { recursive: true });
  Deno.writeTextFileSync(`${values.traces}/${seed}.json`, `${text}\n`);
}

if (values.help) {
  console.log(HELP);
  Deno.exit(0);
}
if (values.case !== undefined && CASES[values.case] === undefined) {
  console.error(
    `Cannot use --case: expected one of ${Object.keys(CASES).join(", ")}, got ${values.case}`,
  );
  Deno.exit(2);
}
const { runs, violations, seconds, memory } = await doJobs(jobs(), {
  concurrency: count("jobs", values.jobs),
  onResult: tell,
  ...(values.verbose && { onLog: (line: string) => console.error(line) }),
});
const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
console.log(
  `${runs} runs, ${violations} violations in ${seconds.toFixed(0)} s, memory ${
    mib(memory.warm)
  } to ${mib(memory.end)} MiB, at most ${mib(memory.most)}`,
);
Deno.exit(violations === 0 ? 0 : 1);
