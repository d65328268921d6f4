import { assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import type { RunReport } from "../../mod.ts";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROUNDS = 6;

function startClients(address: string, folder: string): ReturnType<typeof startCommand>[] {
  return [1, 2].map((rank) =>
    startCommand(
      "client",
      ["--server", address, "--rank", `${rank}`, "--part", `${rank}/2`],
      folder,
    )
  );
}

async function readReport(folder: string): Promise<RunReport> {
  return JSON.parse(await Deno.readTextFile(`${folder}/run/report.json`));
}

/**
 * Runs a server that is killed after the given rounds and resumed, after a change to its
 * checkpoints.
 */
async function runWithKills(
  kills: number[],
  folder: string,
  meanwhile: (checkpoints: string, kill: number) => Promise<void> = () => Promise.resolve(),
): Promise<RunReport> {
  const address = `127.0.0.1:${freePort()}`;
  // Its moments, which are vectors, and its options must be restored too.
  const strategy = ["--strategy", "fedadam:lr=0.05"];
  const settings = ["--world-size", "3", "--rounds", `${ROUNDS}`, "--seed", "7", "--epochs", "3"];
  let server = startCommand(
    "server",
    ["--listen", address, "--out", `${folder}/run`, ...settings, ...strategy],
    folder,
  );
  const clients = startClients(address, folder);
  for (const [kill, round] of kills.entries()) {
    await server.said(new RegExp(`Round ${round} of ${ROUNDS}`));
    server.process.kill("SIGKILL");
    await server.outcome;
    await meanwhile(`${folder}/run/checkpoints`, kill);
    server = startCommand("server", ["--resume", `${folder}/run`], folder);
  }
  const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
  assertEquals(
    outcomes.map(({ code }) => code),
    [0, 0, 0],
    outcomes.map(({ stderr }) => stderr).join("\n---\n"),
  );
  return await readReport(folder);
}

Deno.test("a server that is killed and resumed twice ends with the model of an uninterrupted run", async () => {
  let digest = "";
  await inFolder(async (folder) => {
    const report = await runWithKills([], folder);
    digest = report.modelDigest;
  });
  await inFolder(async (folder) => {
    const report = await runWithKills([2, 4], folder);
    assertEquals(report.modelDigest, digest);
    assertEquals(report.rounds.map(({ round, received }) => [round, received]), [
      [1, 2],
      [2, 2],
      [3, 2],
      [4, 2],
      [5, 2],
      [6, 2],
    ]);
  });
});

Deno.test("clients with a given world size rejoin a run that is resumed with a larger one", () =>
  inFolder(async (folder) => {
    const address = `127.0.0.1:${freePort()}`;
    const size = ["--world-size", "3"];
    const settings = [...size, "--rounds", `${ROUNDS}`, "--epochs", "3"];
    const first = startCommand(
      "server",
      ["--listen", address, "--out", `${folder}/run`, ...settings],
      folder,
    );
    const clients = [1, 2].map((rank) =>
      startCommand(
        "client",
        ["--server", address, "--rank", `${rank}`, "--part", `${rank}/2`, ...size],
        folder,
      )
    );
    await first.said(new RegExp(`Round 2 of ${ROUNDS}`));
    first.process.kill("SIGKILL");
    await first.outcome;
    const resumed = startCommand(
      "server",
      ["--resume", `${folder}/run`, "--world-size", "4"],
      folder,
    );
    const outcomes = await Promise.all([resumed, ...clients].map(({ outcome }) => outcome));
    const words = outcomes.map(({ stderr }) => stderr).join("\n---\n");
    assertEquals(outcomes.map(({ code }) => code), [0, 0, 0], words);
    const { rounds, worldSize } = await readReport(folder);
    assertEquals([rounds.length, worldSize], [ROUNDS, 4]);
    assertEquals(rounds.map(({ received }) => received), Array(ROUNDS).fill(2), words);
  }));

Deno.test("a server whose history or newest checkpoint is damaged resumes from an earlier round, to the model of an uninterrupted run", async () => {
  let digest = "";
  await inFolder(async (folder) => {
    digest = (await runWithKills([], folder)).modelDigest;
  });
  await inFolder(async (folder) => {
    const report = await runWithKills([2, 3, 4, 5], folder, async (checkpoints, kill) => {
      const history = `${checkpoints}/history.jsonl`;
      const { size } = await Deno.stat(history);
      const names = await Array.fromAsync(Deno.readDir(checkpoints), ({ name }) => name);
      const newest = names.filter((name) => name.startsWith("round-")).sort().at(-1);
      // The beginning of a line that belongs to no checkpoint.
      if (kill === 0) await Deno.writeTextFile(history, '{"round":', { append: true });
      else if (kill === 1) await Deno.truncate(history, size - 3);
      else if (kill === 2) await Deno.truncate(`${checkpoints}/${newest}`, 100);
      else await Deno.truncate(history, size - 1);
    });
    assertEquals(report.modelDigest, digest);
    assertEquals(report.rounds.map(({ round, received }) => [round, received]), [
      ...[1, 2, 3, 4, 5, 6].map((round) => [round, 2]),
    ]);
  });
});

Deno.test("resuming a folder without an intact checkpoint fails in one line with status 1", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/run/checkpoints`, { recursive: true });
    await Deno.writeTextFile(`${folder}/run/checkpoints/round-000003.safetensors`, "torn");
    const { code, stderr } = await runCommand("server", ["--resume", "run"], folder);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /round-000003\.safetensors.*/,
    );
    assertMatch(
      stderr,
      /error: Cannot resume from run: expected a whole checkpoint in run\/checkpoints/,
    );
  }));
