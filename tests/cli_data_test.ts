import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { inFolder, runCommand, startCommand } from "./_command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** The cache of this Deno, which a process with another cache folder would fill anew. */
async function denoDir(): Promise<string> {
  const info = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] });
  return JSON.parse(new TextDecoder().decode((await info.output()).stdout)).denoDir;
}

/** Two classes that differ by little on a large scale, and a column that says nothing. */
function table(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const odd = i % 2;
    return `${odd ? "yes" : "no"},${50_000 + (odd ? 10 : -10)},3`;
  });
  return ["answer,height,same", ...lines].join("\n");
}

Deno.test("a federation learns from tables, standardized alike by the server's file", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tables`);
    await Deno.writeTextFile(`${folder}/tables/train.csv`, table(40));
    await Deno.writeTextFile(`${folder}/tables/test.csv`, table(10));
    await Deno.writeTextFile(`${folder}/own.csv`, table(7));
    const labels = ["--label-column", "answer", "--classes", "yes, no"];
    const server = startCommand(
      "server",
      [
        ...["--listen", "127.0.0.1:0", "--world-size", "2", "--rounds", "10", "--lr", "1"],
        ...["--model", "lr", "--dataset", "tables", "--standardize", "--out", "run"],
        ...["--json", "server.json"],
        ...labels,
      ],
      folder,
    );
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const client = startCommand(
      "client",
      [
        ...["--server", address, "--data", "own.csv", "--json", "client.json"],
        ...["--standardize", "run/standardizer.json"],
        ...labels,
      ],
      folder,
    );
    const outcomes = await Promise.all([server.outcome, client.outcome]);
    assertEquals(
      outcomes.map(({ code }) => code),
      [0, 0],
      outcomes.map(({ stderr }) => stderr).join("\n"),
    );
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/run/standardizer.json`)), {
      mean: [50_000, 3],
      deviation: [10, 0],
    });
    const { final } = JSON.parse(await Deno.readTextFile(`${folder}/server.json`));
    assertEquals([final.accuracy, final.samples], [1, 10]);
    const { rounds } = JSON.parse(await Deno.readTextFile(`${folder}/client.json`));
    assertEquals(rounds[0].numSamples, 7);
  }));

Deno.test("the folder of data sets is the one given, else FEDLAB_DATA, else the user's cache", () =>
  inFolder(async (folder) => {
    const home = {
      linux: { XDG_CACHE_HOME: `${folder}/cache` },
      darwin: { HOME: folder },
      windows: { LOCALAPPDATA: `${folder}/cache` },
    }[Deno.build.os as string];
    const DENO_DIR = await denoDir();
    const cache = Deno.build.os === "darwin" ? "Library/Caches" : "cache";
    const places: [string, string[], Record<string, string>][] = [
      ["given", ["--data-dir", "given"], { FEDLAB_DATA: `${folder}/named` }],
      [`${folder}/named`, ["--data-dir", ""], { FEDLAB_DATA: `${folder}/named` }],
      [`${folder}/named`, [], { FEDLAB_DATA: `${folder}/named`, ...home }],
      [`${folder}/${cache}/fedlab`, [], { FEDLAB_DATA: "", ...home }],
    ];
    for (const [place, args, env] of places) {
      // A file with a wrong checksum is refused by its path: so nothing is fetched here.
      const file = `${place}/mnist/train-images-idx3-ubyte.gz`;
      await Deno.mkdir(new URL(`${place}/mnist`, `file://${folder}/`), { recursive: true });
      await Deno.writeTextFile(new URL(file, `file://${folder}/`), "not these");
      const { code, stderr } = await startCommand(
        "client",
        ["--dataset", "mnist", ...args],
        folder,
        { DENO_DIR, ...env },
      ).outcome;
      assertEquals(code, 1);
      assert(stderr.includes(`Cannot use ${file}: expected SHA-256`), stderr);
    }
  }));

Deno.test("options of data that do not fit are named", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/t.csv`, table(4));
    await Deno.writeTextFile(`${folder}/s.json`, '{ "mean": [1] }');
    await Deno.mkdir(`${folder}/idx`);
    const idx = (shape: number[], payload: number[]) =>
      Uint8Array.of(0, 0, 8, shape.length, ...shape.flatMap((size) => [0, 0, 0, size]), ...payload);
    await Deno.writeFile(`${folder}/idx/images-idx3-ubyte`, idx([2, 1, 1], [0, 9]));
    await Deno.writeFile(`${folder}/idx/labels-idx1-ubyte`, idx([2], [0, 1]));
    const cases: [string[], number, RegExp][] = [
      [["--classes", "a,b"], 2, /expected a table with --label-column and --classes, got digits/],
      [["--data", "idx", "--classes", "a,b"], 2, /expected a table with .*, got idx/],
      [["--data", "idx", "--label-column", "0"], 2, /expected a table with .*, got idx/],
      [
        ["--data", "t.csv", "--label-column", "0", "--classes", "yes,no,yes"],
        1,
        /name of each class once, got "yes" twice/,
      ],
      [["--data", "t.csv", "--label-column", "grade"], 1, /a column named "grade" in the header/],
      [
        ["--data", "t.csv", "--label-column", "0", "--classes", "yes,maybe"],
        1,
        /t\.csv: line 2: expected a label of yes, maybe, got "no"/,
      ],
      [
        ["--standardize", "s.json"],
        1,
        /Cannot read the standardizer s\.json: .*mean and deviation/,
      ],
    ];
    for (const [args, status, message] of cases) {
      const { code, stderr } = await runCommand("client", args, folder);
      assertEquals(code, status, stderr);
      assertMatch(stderr, message);
    }
  }));
