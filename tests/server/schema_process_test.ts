import { assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import type { RunReport } from "../../mod.ts";
import { parseSchema } from "../../src/data/schema/parse.ts";
import { schemaDigest } from "../../src/data/schema/digest.ts";
import { inFolder, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Rows of a table that one number tells apart: `a` is above 0 for "no", `b` for "yes". */
function table(header: string, row: (a: number, b: number, y: string) => string, of = "no yes") {
  const rows = Array.from({ length: 8 }, (_, i) => [
    ...of.includes("no") ? [row(i + 1, 0, "no")] : [],
    ...of.includes("yes") ? [row(0, i + 1, "yes")] : [],
  ]);
  return `${[header, ...rows.flat()].join("\n")}\n`;
}

const ALL = table("a,b,y", (a, b, y) => `${a},${b},${y}`);

async function readReport(folder: string): Promise<RunReport> {
  return JSON.parse(await Deno.readTextFile(`${folder}/run/report.json`));
}

async function startServer(folder: string, args: readonly string[]) {
  await Deno.writeTextFile(`${folder}/all.csv`, ALL);
  const server = startCommand("server", [
    ...["--listen", "127.0.0.1:0", "--world-size", "3", "--data", "all.csv", "--model", "lr"],
    ...["--rounds", "20", "--out", "run", "--join-seconds", "60", ...args],
  ], folder);
  const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
  const join = async (name: string, text: string) => {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    return startCommand("client", ["--server", address, "--data", name], folder);
  };
  return { server, join };
}

Deno.test("sites that lack a class, or have their columns in another order, learn together", () =>
  inFolder(async (folder) => {
    const { server, join } = await startServer(folder, []);
    const clients = [
      await join("no.csv", table("a,b,y", (a, b, y) => `${a},${b},${y}`, "no")),
      await join("yes.tsv", table("b\ty\tward\ta", (a, b, y) => `${b}.0\t" ${y}"\tx\t${a}`, "yes")),
    ];
    for (const { outcome } of [server, ...clients]) {
      assertEquals((await outcome).code, 0, (await outcome).stderr);
    }
    const { final, schemaDigest: digest } = await readReport(folder);
    assertEquals([final?.accuracy, final?.classes], [1, ["no", "yes"]]);
    const schema = parseSchema(JSON.parse(await Deno.readTextFile(`${folder}/run/schema.json`)));
    assertEquals(digest, await schemaDigest(schema));
  }));

Deno.test("a site that means something else ends with 1 and one line, which the server logs with its rank; the run waits for another", () =>
  inFolder(async (folder) => {
    const { server, join } = await startServer(folder, ["--rounds", "1"]);
    const strays: [string, RegExp][] = [
      [ALL.replace("a,b,y", "height,b,y"), /expected the column a, got height/],
      [ALL.replaceAll("yes", "ill"), /expected the classes no, yes; got ill/],
      [ALL.replace("\n1,0", "\none,0"), /line 2, column a: expected a number, got "one"/],
      [ALL.replace("a,b,y", "a,b [kg],y"), /expected the column b without a unit, got kg/],
    ];
    for (const [text, difference] of strays) {
      const { code, stderr } = await (await join("stray.csv", text)).outcome;
      const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
      assertEquals([code, errors.length], [1, 1], stderr);
      assertMatch(errors[0] ?? "", difference);
      await server.said(new RegExp(`, rank 1: it said: .*${difference.source}`));
    }
    const clients = [await join("fine.csv", ALL), await join("too.csv", ALL)];
    for (const { outcome } of [server, ...clients]) {
      assertEquals((await outcome).code, 0, (await outcome).stderr);
    }
  }));

Deno.test("a server whose data mean something else than those it began with does not resume", () =>
  inFolder(async (folder) => {
    const { server, join } = await startServer(folder, ["--rounds", "1000000"]);
    const clients = [await join("one.csv", ALL), await join("two.csv", ALL)];
    await server.said(/Round 2 of/);
    server.process.kill("SIGKILL");
    await server.outcome;
    for (const { process } of clients) process.kill("SIGKILL");
    for (const { outcome } of clients) await outcome;
    await Deno.writeTextFile(`${folder}/all.csv`, ALL.replace("a,b,y", "b,a,y"));
    const resumed = await startCommand("server", ["--resume", "run"], folder).outcome;
    assertEquals(resumed.code, 1, resumed.stderr);
    assertMatch(
      resumed.stderr,
      /error: Cannot resume from the checkpoint: its run has another schema: expected the column a, got b\n/,
    );
  }));
