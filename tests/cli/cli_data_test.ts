import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { clientSource } from "../../src/cli/run/client_job.ts";
import { holdOut, loadDataset, parsePartition } from "../../mod.ts";
import { denoDir, inFolder, runCommand, startCommand } from "../helpers/command.ts";
import { idx } from "../helpers/idx.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Two classes that differ by little on a large scale, and a column that says nothing. */
function table(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const odd = i % 2;
    return `${odd ? "yes" : "no"},${50_000 + (odd ? 10 : -10)},3`;
  });
  return ["answer,height,same", ...lines].join("\n");
}

Deno.test("a federation learns from tables, standardized alike by the server's schema", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tables`);
    await Deno.writeTextFile(`${folder}/tables/train.csv`, table(40));
    await Deno.writeTextFile(`${folder}/tables/test.csv`, table(10));
    // Other columns before, between and behind.
    const own = table(7).split("\n").map((line, i) => {
      const [answer, height, same] = line.split(",");
      return [i === 0 ? "ward" : "x", same, answer, i === 0 ? "bed" : i, height].join(",");
    });
    await Deno.writeTextFile(`${folder}/own.csv`, own.join("\n"));
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
      ],
      folder,
    );
    const outcomes = await Promise.all([server.outcome, client.outcome]);
    assertEquals(
      outcomes.map(({ code }) => code),
      [0, 0],
      outcomes.map(({ stderr }) => stderr).join("\n"),
    );
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/run/schema.json`)), {
      format: "fedlab.schema/1",
      inputs: [
        { name: "height", kind: "number", standardize: { mean: 50_000, deviation: 10 } },
        { name: "same", kind: "number", standardize: { mean: 3, deviation: 0 } },
      ],
      target: { name: "answer", task: "classification", classes: ["yes", "no"] },
    });
    const { final } = JSON.parse(await Deno.readTextFile(`${folder}/server.json`));
    assertEquals([final.accuracy, final.samples], [1, 10]);
    const { rounds } = JSON.parse(await Deno.readTextFile(`${folder}/client.json`));
    assertEquals(rounds[0].numSamples, 7);
  }));

Deno.test("the options of tables reach every command, and ids are dealt by and not learned from", () =>
  inFolder(async (folder) => {
    // Four writers with 3, 5, 4 and 6 rows; the second column says nothing.
    const rows = [3, 5, 4, 6].flatMap((count, writer) =>
      Array.from({ length: count }, (_, i) => `w${1000 + writer}\t?\t${i % 2 ? 1 : -1}\t${i % 2}`)
    );
    await Deno.writeTextFile(`${folder}/own.csv`, `${rows.join("\n")}\n`);
    const data = [
      ...["--data", "own.csv", "--header", "no", "--delimiter", "tab"],
      ...["--label-column", "3", "--id-column", "0", "--feature-columns", "2"],
    ];
    const dealt = await runCommand(
      "partition",
      [...data, "--partition", "id", "--clients", "4", "--json", "p.json"],
      folder,
    );
    assertEquals(dealt.code, 0, dealt.stderr);
    const { parts } = JSON.parse(await Deno.readTextFile(`${folder}/p.json`));
    const sizes = parts.map(({ size }: { size: number }) => size);
    assertEquals(sizes.toSorted(), [3, 4, 5, 6]);

    const training = ["--rounds", "3", "--lr", "1", "--model", "lr"];
    const simulated = await runCommand("simulate", [
      ...data,
      ...training,
      ...["--partition", "id", "--clients", "4", "--fraction", "1", "--workers", "1"],
      ...["--evaluate", "clients", "--json", "sim.json", "--out", "sim"],
    ], folder);
    assertEquals(simulated.code, 0, simulated.stderr);
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/sim.json`)).final.accuracy, 1);
    const model = JSON.parse(await Deno.readTextFile(`${folder}/sim/model.json`));
    assertEquals(JSON.stringify(model).match(/"batch_?[iI]nput_?[sS]hape":\[null,1\]/)?.length, 1);

    const server = startCommand("server", [
      ...data,
      ...training,
      ...["--listen", "127.0.0.1:0", "--world-size", "2", "--out", "run", "--json", "server.json"],
    ], folder);
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const client = startCommand("client", [
      ...data,
      ...["--server", address, "--partition", "id", "--part", "2/4", "--json", "client.json"],
    ], folder);
    for (const { code, stderr } of await Promise.all([server.outcome, client.outcome])) {
      assertEquals(code, 0, stderr);
    }
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/server.json`)).final.accuracy, 1);
    const { rounds } = JSON.parse(await Deno.readTextFile(`${folder}/client.json`));
    assertEquals(rounds[0].numSamples, sizes[1]);
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
    await Deno.mkdir(`${folder}/idx`);
    await Deno.writeFile(`${folder}/idx/images-idx3-ubyte`, idx([2, 1, 1], [0, 9]));
    await Deno.writeFile(`${folder}/idx/labels-idx1-ubyte`, idx([2], [0, 1]));
    const cases: [string[], number, RegExp][] = [
      [["--classes", "a,b"], 2, /expected a table with --classes, got digits/],
      [["--header", "no", "--delimiter", "tab"], 2, /with --header, --delimiter, got digits/],
      [["--id-column", "w", "--data", "mnist"], 2, /a table with --id-column, got mnist/],
      [["--data", "idx", "--feature-columns", "0"], 2, /with --feature-columns, got idx/],
      [["--data", "t.csv", "--header", "maybe"], 2, /Allowed choices are yes, no, auto/],
      [
        ["--module", "m.ts", "--id-column", "w"],
        2,
        /expected no options of data with --module/,
      ],
      [["--part", "1/2", "--partition", "id"], 1, /expected ids, of an id column \(--id-column\)/],
      [["--data", "idx", "--classes", "a,b"], 2, /expected a table with .*, got idx/],
      [["--data", "idx", "--label-column", "0"], 2, /expected a table with .*, got idx/],
      [
        ["--data", "t.csv", "--label-column", "0", "--classes", "yes,no,yes"],
        1,
        /name of each class once, got "yes" twice/,
      ],
      [
        ["--data", "t.csv", "--label-column", "grade"],
        1,
        /expected a target column named "grade", got answer, height, same/,
      ],
      [
        ["--data", "t.csv", "--label-column", "0", "--classes", "yes,maybe"],
        1,
        /t\.csv: expected the classes yes, maybe; got no/,
      ],
      [
        ["--standardize", "s.json"],
        2,
        /expected --standardize without a file, got s\.json: the server's schema has means/,
      ],
    ];
    for (const [args, status, message] of cases) {
      const { code, stderr } = await runCommand("client", args, folder);
      assertEquals(code, status, stderr);
      assertMatch(stderr, message);
    }
  }));

Deno.test("a client holds back the samples that a simulation holds back for it, with the part's noise on them", async () => {
  const choice = { data: "digits", partition: "noise:0.1", seed: 3, holdOut: 0.25 };
  const { train: all } = await loadDataset("digits");
  const scheme = parsePartition(choice.partition);
  const parts = scheme.deal(all, { parts: 4, seed: 3 });
  const spread = scheme.spread(all, parts, { seed: 3 });
  for (const index of [1, 4]) {
    const source = await clientSource({ ...choice, part: { index, parts: 4 } });
    const { train, test } = await source.arrange(undefined);
    const held = holdOut(parts[index - 1] ?? [], { share: 0.25, seed: 3, index });
    assertEquals(train.features, spread.select(held.train).features);
    assertEquals(test?.features, spread.select(held.test).features);
    assertEquals(test?.labels, all.select(held.test).labels);
  }
});
