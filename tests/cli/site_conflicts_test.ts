import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("a conflict of clients names site, row and remedy, each where it is known", () =>
  inFolder(async (folder) => {
    for (const [ward, age] of [40, "old"].entries()) {
      const lines = Array.from({ length: 21 }, (_, i) => `${i === 0 ? age : 50 + i},${i % 2}`);
      await Deno.writeTextFile(
        `${folder}/ward${ward + 1}.csv`,
        ["age,stage", ...lines].join("\n"),
      );
    }
    const server = startCommand("server", [
      ...["--listen", "127.0.0.1:0", "--world-size", "3", "--schema", "federated"],
      ...["--target", "stage > 0", "--model", "lr", "--rounds", "1"],
    ], folder);
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const clients = [1, 2].map((ward) =>
      startCommand("client", [
        ...["--server", address, "--data", `ward${ward}.csv`, "--rank", `${ward}`],
        ...["--logger-file", ""],
      ], folder)
    );
    const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
    assertEquals(outcomes.map(({ code }) => code), [1, 1, 1]);
    const [all = "", first = "", second = ""] = outcomes.map(({ stderr }) => stderr);
    assertMatch(all, /column age: .*numbers at rank 1 and texts at rank 2; .*--missing-values/);
    assertMatch(
      second,
      /ward2\.csv: line 2, column age: "old" makes it a column of texts beside 20 /,
    );
    // The text is the client's own.
    assert(!`${all}${first}`.includes('"old"'));
    for (const text of [first, second]) {
      assertMatch(text, /\nerror: The run stopped before any training: Cannot unite [^\n]*\n$/);
    }
  }));

Deno.test("sites that spell classes differently make no schema, whoever makes it", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/wards`);
    for (const [name, [no, yes]] of Object.entries({ a: ["no", "yes"], b: ["well", "ill"] })) {
      const lines = Array.from({ length: 20 }, (_, i) => `${i},${i % 2 ? yes : no}`);
      await Deno.writeTextFile(`${folder}/wards/${name}.csv`, ["age,ill", ...lines].join("\n"));
    }
    const simulate = (...args: string[]) =>
      runCommand("simulate", [
        ...["--data", "wards", "--sites", "--model", "lr", "--rounds", "1", "--hold-out", "0.2"],
        ...["--evaluate", "clients", "--out", "run"],
        ...args,
      ], folder);
    for (const args of [[], ["--schema", "federated"]]) {
      const shown = await runCommand(
        "stats",
        ["--data", "wards/a.csv,wards/b.csv", "--target", "ill"],
        folder,
      );
      assertEquals(shown.code, 0, shown.stderr);
      assertMatch(
        shown.stdout,
        /\ncheck the classes: no, yes at wards\/a.csv and ill, well at \S+, /,
      );
      assertMatch(shown.stdout, /\ncheck the column ill: no, yes at /);
      const { code, stderr } = await simulate(...args);
      assertEquals(code, 1);
      assertMatch(
        stderr,
        /the classes of ill, got no, yes at \S+ and ill, well at \S+, .*--classes/,
      );
    }
    const { code, stderr } = await simulate(
      ...["--schema", "federated", "--classes", "no,yes,ill,well"],
    );
    assertEquals(code, 0, stderr);
    assertMatch(
      stderr,
      /Made a schema of 1 inputs from .*: target ill with the classes no, yes, ill/,
    );
  }));
