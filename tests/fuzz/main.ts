/**
 * Attacks a server with random cases: `deno run -A tests/fuzz/main.ts --cases 20000 --seed 1`. Exit status 0 when it stood firm, 1 when not.
 */
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const HELP = `Attacks a server with random cases, and compares its run with one at peace.

  deno task fuzz [--cases N] [--seed S] [--transport NAME] [--token] [--replay NUMBERS]
                 [--concurrency C] [--half-open H] [--json FILE]

  --cases N        number of cases (20000)
  --seed S         seed of the cases (1)
  --transport NAME what the server listens on: tcp or websocket (tcp)
  --token          clients have to prove that they know a token
  --replay NUMBERS carries out these of the seed's cases alone: 17 or 17,230
  --concurrency C  cases at once (32)
  --half-open H    silent connections at the end (2000)
  --json FILE      writes the report to the file, "-" for standard output
`;

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  console.error(`Cannot use --${name}: expected a whole number of at least ${least}, got ${text}`);
  Deno.exit(2);
}

const { values } = parseArgs({
  args: Deno.args,
  options: {
    cases: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    transport: { type: "string", default: "tcp" },
    token: { type: "boolean", default: false },
    replay: { type: "string" },
    concurrency: { type: "string", default: "32" },
    "half-open": { type: "string", default: "2000" },
    json: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(HELP);
  Deno.exit(0);
}
const { transport, token: isClosed, replay } = values;
if (transport !== "tcp" && transport !== "websocket") {
  console.error(`Cannot use --transport: expected tcp or websocket, got ${transport}`);
  Deno.exit(2);
}
const only = replay?.split(",").map((text) => wholeNumber("replay", text, 0));
const report = await fuzz({
  transport,
  isClosed,
  ...(only && { only }),
  cases: wholeNumber("cases", values.cases, 1),
  seed: wholeNumber("seed", values.seed, 0),
  concurrency: wholeNumber("concurrency", values.concurrency, 1),
  halfOpen: wholeNumber("half-open", values["half-open"], 0),
  onProgress: (done) => {
    if (done % 1000 === 0) console.error(`${done} cases`);
  },
});
const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
const { cases, rounds, seconds, memory, brokenOff, violations } = report;
console.error(
  `${cases} cases in ${seconds.toFixed(1)} s (${(cases / seconds).toFixed(0)} a second), ` +
    `${rounds} honest rounds, server memory ${mib(memory.warm.rss)} to ${
      mib(memory.end.rss)
    } MiB ` +
    `(at most ${mib(memory.peak)}, alive ${mib(memory.warm.heapUsed)} to ${
      mib(memory.end.heapUsed)
    }), ` +
    `${brokenOff} broken off, ${violations.length} violations`,
);
for (const violation of violations.slice(0, 20)) console.error(`  ${violation}`);
const json = JSON.stringify(report, null, 2);
if (values.json === "-") console.log(json);
else if (values.json !== undefined) await Deno.writeTextFile(values.json, `${json}\n`);
Deno.exit(violations.length === 0 ? 0 : 1);
