/**
 * Attacks a server, or clients, with random cases. Exit status 0 when they stood firm, 1 when not.
 *
 *     deno task fuzz --cases 20000 --seed 1
 *     deno task fuzz --cases 20000 --seed 1 --transport websocket --token
 *     deno task fuzz --cases 20000 --seed 1 --honest 1000
 *     deno task fuzz --cases 20000 --seed 1 --clients
 */
import { parseArgs } from "node:util";

const HELP =
  `Attacks a server with random cases, and compares its run with one at peace; or attacks clients.

  deno task fuzz [--cases N] [--seed S] [--transport NAME] [--token] [--clients]
                 [--honest N] [--replay NUMBERS] [--concurrency C] [--half-open H] [--json FILE]

  --clients        attacks clients, each by a server of its own, over both transports
  --cases N        number of cases (20000)
  --seed S         seed of the cases (1)
  --transport NAME what the server listens on: tcp, tls or websocket (tcp)
  --token          clients have to prove that they know a token
  --honest N       number of honest clients of the server (2)
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
    clients: { type: "boolean", default: false },
    honest: { type: "string", default: "2" },
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
if (transport !== "tcp" && transport !== "tls" && transport !== "websocket") {
  console.error(`Cannot use --transport: expected tcp, tls or websocket, got ${transport}`);
  Deno.exit(2);
}
// Both processes read it when they load what follows.
Deno.env.set("FEDLAB_FUZZ_HONEST", String(wholeNumber("honest", values.honest, 1)));
const { fuzzClients } = await import("./clients.ts");
const { fuzz } = await import("./fuzz.ts");
const only = replay?.split(",").map((text) => wholeNumber("replay", text, 0));
const common = {
  cases: wholeNumber("cases", values.cases, 1),
  seed: wholeNumber("seed", values.seed, 0),
  concurrency: wholeNumber("concurrency", values.concurrency, 1),
  ...(only && { only }),
  onProgress: (done: number) => {
    if (done % 1000 === 0) console.error(`${done} cases`);
  },
};
const halfOpen = wholeNumber("half-open", values["half-open"], 0);
const report = values.clients
  ? await fuzzClients(common)
  : await fuzz({ ...common, transport, isClosed, halfOpen });
const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
const { cases, seconds, memory: { warm, end, peak }, violations } = report;
const honest = "rounds" in report
  ? `, ${report.rounds} honest rounds, ${report.brokenOff} broken off`
  : "";
console.error(
  `${cases} cases in ${seconds.toFixed(1)} s (${
    (cases / seconds).toFixed(0)
  } a second)${honest}, ` +
    `memory ${mib(warm.rss)} to ${mib(end.rss)} MiB (at most ${mib(peak)}, ` +
    `alive ${mib(warm.heapUsed)} to ${mib(end.heapUsed)}), ${violations.length} violations`,
);
for (const violation of violations.slice(0, 20)) console.error(`  ${violation}`);
const json = JSON.stringify(report, null, 2);
if (values.json === "-") console.log(json);
else if (values.json !== undefined) await Deno.writeTextFile(values.json, `${json}\n`);
Deno.exit(violations.length === 0 ? 0 : 1);
