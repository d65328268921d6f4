import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import type { RunReport } from "../../mod.ts";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const UPDATES = 120;

Deno.test("server --mode async runs with plain clients, and goes on where it was killed", () =>
  inFolder(async (folder) => {
    const address = `127.0.0.1:${freePort()}`;
    let server = startCommand("server", [
      ...["--listen", address, "--out", `${folder}/run`, "--world-size", "4", "--epochs", "3"],
      ...["--mode", "async", "--concurrency", "2", "--versions", `${UPDATES}`],
      ...["--evaluate-every", "2", "--strategy", "fedbuff:size=2"],
    ], folder);
    const clients = [1, 2, 3].map((rank) =>
      startCommand(
        "client",
        ["--server", address, "--rank", `${rank}`, "--part", `${rank}/3`],
        folder,
      )
    );
    await server.said(/Version 6 of 120/);
    server.process.kill("SIGKILL");
    await server.outcome;
    server = startCommand("server", ["--resume", `${folder}/run`], folder);
    const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
    assertEquals(
      outcomes.map(({ code }) => code),
      [0, 0, 0, 0],
      outcomes.map(({ stderr }) => stderr).join("\n---\n"),
    );
    const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/run/report.json`));
    assertEquals(
      report.rounds.map(({ round }) => round),
      Array.from({ length: UPDATES }, (_, i) => i + 1),
    );
    assert(
      report.rounds.every(({ received, staleness }) => received === 2 && staleness?.length === 2),
    );
    assertEquals(report.strategy, "fedbuff");
    assert((report.final?.accuracy ?? 0) > 0.85, `accuracy ${report.final?.accuracy}`);
  }));

Deno.test("options of the other mode are wrong usage", () =>
  inFolder(async (folder) => {
    const world = ["--world-size", "2"];
    for (
      const [args, message] of [
        [["--concurrency", "2"], /expected no --concurrency with --mode sync/],
        [["--mode", "async", "--rounds", "2"], /expected no --rounds with --mode async/],
        [["--strategy", "fedbuff"], /expected --mode async with --strategy fedbuff/],
        [["--mode", "async", "--strategy", "median"], /expected --strategy fedasync or fedbuff/],
      ] as const
    ) {
      const { code, stderr } = await runCommand("server", [...world, ...args], folder);
      assertEquals(code, 2);
      assertMatch(stderr, message);
    }
  }));
