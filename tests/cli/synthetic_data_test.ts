import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const DATA = "synthetic:rows=400,features=6,classes=3";

const digestOf = async (path: string) => JSON.parse(await Deno.readTextFile(path)).modelDigest;

Deno.test("a server and clients on parts of a synthetic data set make the model of a simulation", () =>
  inFolder(async (folder) => {
    const training = ["--model", "lr", "--lr", "0.1", "--rounds", "3", "--seed", "5"];
    const server = startCommand(
      "server",
      [
        ...["--listen", "127.0.0.1:0", "--world-size", "3", "--dataset", DATA],
        ...["--json", "server.json", ...training],
      ],
      folder,
    );
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const clients = [1, 2].map((rank) =>
      startCommand(
        "client",
        [
          ...["--server", address, "--dataset", DATA, "--part", `${rank}/2`, "--seed", "5"],
          ...["--rank", `${rank}`],
        ],
        folder,
      )
    );
    const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
    const failed = outcomes.filter(({ code }) => code !== 0).map(({ stderr }) => stderr);
    assertEquals(failed, []);
    const simulated = await runCommand(
      "simulate",
      [
        ...["--dataset", DATA, "--clients", "2", "--fraction", "1", "--json", "simulated.json"],
        ...training,
      ],
      folder,
    );
    assertEquals(simulated.code, 0, simulated.stderr);
    assertEquals(
      await digestOf(`${folder}/server.json`),
      await digestOf(`${folder}/simulated.json`),
    );
    const { final } = JSON.parse(await Deno.readTextFile(`${folder}/simulated.json`));
    // A tenth as many rows to test on. A guess is right in a third of the cases.
    assertEquals(final.samples, 40);
    assert(final.accuracy > 0.6, `${final.accuracy}`);
  }));

Deno.test("a synthetic data set that is wrong, or too small, is refused in one line", () =>
  inFolder(async (folder) => {
    const cases: [args: string[], line: RegExp][] = [
      [
        ["--dataset", "synthetic"],
        /^error: Cannot use the data set synthetic: expected synthetic:/,
      ],
      [
        ["--dataset", "synthetic:rows=5,features=2,classes=2,color=1"],
        /^error: Cannot make synthetic: expected one of the options rows, features, .*got color$/,
      ],
      [
        ["--dataset", "synthetic:rows=1e12,features=2,classes=2"],
        /^error: Cannot use .* rows to be a whole number from 1 to 67108864, got 1000000000000$/,
      ],
      [
        ["--dataset", "synthetic:rows=50,features=2,classes=2", "--clients", "51"],
        /^error: Cannot partition the data: expected at least one row for each of 51 pieces/,
      ],
      [["--dataset", DATA, "--label-column", "x"], /^error: expected a table with --label-column/],
      [["--dataset", DATA, "--sites"], /^error: expected a folder of tables/],
      [["--dataset", DATA, "--test-share", "0.2"], /^error: Cannot use .*without test rows/],
    ];
    for (const [args, line] of cases) {
      const { code, stderr } = await runCommand("simulate", args, folder);
      const lines = stderr.trim().split("\n").filter((one) => one.startsWith("error"));
      assertEquals([code > 0, lines.length], [true, 1], stderr);
      assertMatch(lines[0] ?? "", line);
    }
    const left = [...Deno.readDirSync(folder)].map(({ name }) => name);
    assertEquals(left.filter((name) => name !== "log"), []);
  }));
