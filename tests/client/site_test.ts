import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  ClientSGDHandler,
  ClientSyncTop,
  type RunReport,
  silentLogger,
  Simulation,
} from "../../mod.ts";
import { oneLine } from "../../src/base/printable.ts";
import { clientTable } from "../../src/cli/output/client_table.ts";
import { decodeBody, MessageCode } from "../../src/wire/mod.ts";
import { bodyOf } from "../helpers/frame.ts";
import { DATA, makeHandler } from "../helpers/two_classes.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Runs a round of two clients, of which the first has a name. */
async function federate(site: string): Promise<{ report: RunReport; lines: string[] }> {
  const lines: string[] = [];
  const report = await runSync(await makeHandler(), {
    clients: [1, 2].map(() => new ClientSGDHandler({ data: DATA })),
    rounds: 1,
    server: { logger: { ...silentLogger, info: (line) => lines.push(line) } },
    client: (rank) => rank === 1 ? { site } : {},
  });
  return { report, lines };
}

Deno.test("the name of a site is in the log, the members and the figures by client", async () => {
  const { report, lines } = await federate("Hôpital 5");
  assertEquals(report.members?.map(({ rank, site }) => [rank, site]), [[1, "Hôpital 5"], [
    2,
    undefined,
  ]]);
  const { byRank } = report.final?.clients ?? {};
  assertEquals(byRank?.map(({ rank, site }) => [rank, site]), [[1, "Hôpital 5"], [2, undefined]]);
  assert(lines.some((line) => line.startsWith("Rank 1 (Hôpital 5) joined from ")));
  assert(lines.some((line) => line.startsWith("Rank 2 joined from ")));
  const table = clientTable(report) ?? "";
  assert(/│ 1 Hôpital 5 +│ 8 trained on +│ +\d\.\d{4} │ +\d+\.\d\d% │/.test(table), table);
  assert(/│ rank 2 +│/.test(table), table);
});

Deno.test("a client refuses a name of more than a line, and a server shows no control characters", () => {
  const handler = new ClientSGDHandler({ data: DATA });
  for (const site of ["", " ", "a\nb", "\x1b[31m", "x".repeat(65)]) {
    const error = assertThrows(
      () => new ClientSyncTop(handler, { serverAddr: "a:1", site }),
      RangeError,
      "expected the name of a site of 1 to 64 visible characters",
    );
    assertEquals(oneLine(error.message), error.message);
  }
  // A peer sends what it likes.
  const code = MessageCode.Registration;
  const read = (site: string) =>
    decodeBody(code, bodyOf({ code, payload: { agent: "a", site } })).payload;
  assertEquals(read("x\n\x1b[2Jy"), { agent: "a", site: "x [2Jy" });
  assertThrows(() => read("x".repeat(65)), Error, "site");
});

Deno.test("a simulation names its clients, as many as there are", async () => {
  const options = {
    ...{ train: DATA, parts: [[0, 1, 2, 3], [4, 5, 6, 7]], rounds: 1, workers: 1 },
    evaluateClients: true,
  };
  const { final } = await new Simulation(await makeHandler(), { ...options, sites: ["a", "b"] })
    .run();
  assertEquals(final?.clients?.byRank?.map(({ site }) => site), ["a", "b"]);
  const handler = await makeHandler();
  assertThrows(
    () => new Simulation(handler, { ...options, sites: ["a"] }),
    RangeError,
    "Cannot simulate: expected names of 2 sites, got 1",
  );
});
