import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import {
  ClientSGDHandler,
  type ClientTopologyOptions,
  type RunReport,
  silentLogger,
  Simulation,
} from "../../mod.ts";
import { InProcessPool } from "../../src/sim/mod.ts";
import { roundTable, runSummary } from "../../src/cli/output/run_summary.ts";
import { DATA, makeHandler } from "../helpers/two_classes.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROWS = { train: Uint32Array.of(0, 1, 2, 3), test: Uint32Array.of(4, 5) };

/** Logger that keeps its lines. */
function listener() {
  const lines: string[] = [];
  const keep = (line: string) => lines.push(line);
  return { lines, logger: { ...silentLogger, info: keep, warn: keep } };
}

/** Runs two rounds with a client for each entry, which holds rows out or does not. */
async function federate(
  holdsOut: readonly boolean[],
  options: Partial<ClientTopologyOptions> = {},
): Promise<{ report: RunReport; lines: string[]; own: string[][] }> {
  const { lines, logger } = listener();
  const logs = holdsOut.map(() => listener());
  const report = await runSync(await makeHandler(), {
    clients: holdsOut.map((holds) =>
      new ClientSGDHandler({ data: DATA, rows: ROWS.train, ...(holds && { testRows: ROWS.test }) })
    ),
    rounds: 2,
    server: { logger },
    client: (rank) => ({ logger: logs[rank - 1]?.logger ?? silentLogger, ...options }),
  });
  return { report, lines, own: logs.map(({ lines }) => lines) };
}

const MIXED =
  "The figures mix rows that were held out with rows that clients train on, those of rank 2, 3 (client --hold-out)";
const OWN = /^Evaluates on the rows it trains on/;

function flags({ final }: RunReport): (boolean | undefined)[] | undefined {
  return final?.clients?.byRank?.map(({ onTrainingRows }) => onTrainingRows);
}

Deno.test("a client tells that it evaluates on its training rows, and the server that figures are mixed", async () => {
  const { report, lines, own } = await federate([true, false, false]);
  assertEquals(flags(report), [undefined, true, true]);
  assertEquals(lines.filter((line) => line.includes("mix rows")), [MIXED]);
  assertEquals(own.map((lines) => lines.filter((line) => OWN.test(line)).length), [0, 1, 1]);
  assert(runSummary(report).split("\n").includes(MIXED));
  // A client that shares its loss alone tells it too.
  assertEquals(flags((await federate([false], { shareMetrics: "loss" })).report), [true]);
});

Deno.test("figures of one kind of rows are not called mixed", async () => {
  for (const holds of [true, false]) {
    const { report, lines } = await federate([holds, holds]);
    assertEquals(flags(report), holds ? [undefined, undefined] : [true, true]);
    assertEquals(lines.filter((line) => line.includes("mix rows")), []);
    assert(!`${runSummary(report)}${roundTable(report)}`.includes("mix"));
  }
});

Deno.test("a simulation tells of training rows too, in workers and without", async () => {
  const parts = [ROWS.train, Uint32Array.of(6, 7)];
  for (const pool of [undefined, InProcessPool.start]) {
    for (const testParts of [undefined, [ROWS.test, ROWS.test]]) {
      const simulation = new Simulation(await makeHandler(), {
        ...{ train: DATA, parts, rounds: 1, workers: 1, evaluateClients: true },
        ...(testParts && { testParts }),
        ...(pool && { pool }),
      });
      const expected = testParts ? undefined : true;
      assertEquals(flags(await simulation.run()), [expected, expected]);
    }
  }
});
