import { assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@1.0.19";
import { FedAdam, FedBuff, FedDyn, Scaffold } from "../../mod.ts";
import type { StrategyState } from "../../src/strategy/mod.ts";
import { parseModelDescription } from "../../src/train/mod.ts";
import { inFolder, runCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Command that reads a JSON file, and the beginning of its message. */
const READERS = {
  plot: {
    args: (path: string) => ["plot", [path, "--out", "x.svg"]] as const,
    says: "Cannot read the run",
  },
  model: {
    args: (path: string) => ["server", ["--world-size", "2", "--model", path]] as const,
    says: "Cannot read the model",
  },
  schema: {
    args: (path: string) => ["partition", ["--schema", path]] as const,
    says: "Cannot read the schema",
  },
};

for (const [name, { args, says }] of Object.entries(READERS)) {
  Deno.test(`${name}: a file of JSON that is none, or is too large, ends the command with one line`, () =>
    inFolder(async (folder) => {
      await new Deno.Command("mkfifo", { args: [`${folder}/pipe.json`] }).output();
      await Deno.symlink("/dev/zero", `${folder}/device.json`);
      await Deno.writeTextFile(`${folder}/large.json`, "{");
      await Deno.truncate(`${folder}/large.json`, 2 ** 29);
      await Deno.writeTextFile(`${folder}/text.json`, "{");
      await Deno.writeFile(`${folder}/bytes.json`, Uint8Array.of(0xFF, 0xFE));
      const cases: Readonly<Record<string, string>> = {
        "pipe.json": "expected a file, got a pipe",
        "device.json": "expected a file, got a device",
        "large.json": `expected at most ${
          name === "model" ? 2 ** 24 : 2 ** 27
        } bytes, got 536870912`,
        "text.json": "in JSON",
        "bytes.json": "",
        "gone.json": "there is no such file",
      };
      for (const [file, why] of Object.entries(cases)) {
        const [command, given] = args(file);
        const { code, stderr } = await runCommand(command, [...given], folder);
        assertEquals([code, stderr.trimEnd().split("\n").length], [1, 1], stderr);
        assertStringIncludes(stderr, `error: ${says} ${file}: `);
        assertStringIncludes(stderr, why);
      }
    }));
}

const ROUND = { round: 1, received: 1, bytesUp: 1, bytesDown: 1, seconds: 1, accuracy: 0.5 };
const REPORT = { schema: "fedlab.run/1", strategy: "fedavg", seed: 1, rounds: [ROUND] };

/** Reports with an invalid field, and the message about it. */
const REPORTS: readonly [report: unknown, says: string][] = [
  [null, "the whole is null"],
  [[], "schema is undefined"],
  [{ ...REPORT, schema: "fedlab.run/2" }, 'schema is "fedlab.run/2"'],
  [{ ...REPORT, strategy: null }, "strategy is null"],
  [{ ...REPORT, strategy: "\x1b[2J" }, "strategy is "],
  [{ ...REPORT, rounds: {} }, "rounds is Object"],
  [{ ...REPORT, rounds: [ROUND, null] }, "rounds.1 is null"],
  [{ ...REPORT, rounds: [{ ...ROUND, bytesUp: "1" }] }, 'rounds.0.bytesUp is "1"'],
  [{ ...REPORT, rounds: [{ ...ROUND, seconds: -1 }] }, "rounds.0.seconds is -1"],
  [{ ...REPORT, rounds: [{ ...ROUND, accuracy: {} }] }, "rounds.0.accuracy is Object"],
  [{ ...REPORT, rounds: [{ ...ROUND, clients: 3 }] }, "rounds.0.clients is 3"],
  [
    { ...REPORT, rounds: [{ ...ROUND, clients: { accuracy: { mean: "high" } } }] },
    'rounds.0.clients.accuracy.mean is "high"',
  ],
  [{ ...REPORT, strategy: "x".repeat(100_000) }, "strategy is "],
];

Deno.test("plot names the field of a report that is not as it must be, in one short line", () =>
  inFolder(async (folder) => {
    for (const [report, says] of REPORTS) {
      await Deno.writeTextFile(`${folder}/r.json`, JSON.stringify(report));
      const { code, stderr } = await runCommand("plot", ["r.json", "--csv", "x.csv"], folder);
      assertEquals([code, stderr.trimEnd().split("\n").length], [1, 1], stderr);
      assertStringIncludes(
        stderr,
        `error: Cannot read the run r.json: expected a report "fedlab.run/1", but ${says}`,
      );
      assertEquals(stderr.length < 400 && !stderr.includes("\x1b"), true, stderr);
    }
    const fine = { ...REPORT, rounds: [{ ...ROUND, loss: null, clients: null }] };
    await Deno.writeTextFile(`${folder}/r.json`, JSON.stringify(fine));
    assertEquals((await runCommand("plot", ["r.json", "--csv", "x.csv"], folder)).code, 0);
  }));

Deno.test("parseModelDescription() shows what it refuses, of any size and depth, in short", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  const layers = { format: "tfjs-layers", topology: { class_name: "Sequential", config: [] } };
  for (const value of ["x".repeat(1_000_000), deep, { toString: 1 }, Symbol("x"), 3n]) {
    for (const description of [{ format: value }, { ...layers, loss: value }]) {
      const error = assertThrows(() => parseModelDescription(description), TypeError);
      assertEquals(error.message.length < 300, true);
    }
  }
});

/** Saved states that are of no strategy, and the messages about them. */
const STATES: readonly [
  make: () => { restore?(state: StrategyState): void },
  state: unknown,
  says: string,
][] = [
  [() => new FedAdam(), { vectors: {} }, "fedadam: expected a vector "],
  [() => new FedAdam(), { vectors: { m: null, v: 3 } }, "fedadam: expected a vector m, got none"],
  [
    () => new FedAdam(),
    { vectors: { m: Float32Array.of(0, NaN), v: Float32Array.of(0, 0) } },
    "fedadam: expected finite values of m, got NaN at 1",
  ],
  [() => new FedDyn(), { vectors: { other: new Float32Array(1) } }, "feddyn: expected a vector h"],
  [() => new FedDyn(), { vectors: { h: [1, 2] } }, "feddyn: expected a vector h, got none"],
  [
    () => new FedDyn(),
    { vectors: { h: Float32Array.of(Infinity) } },
    "feddyn: expected finite values of h, got Infinity at 0",
  ],
  [() => new Scaffold(), { vectors: {} }, "scaffold: expected a vector control, got none"],
  [
    () => new Scaffold(),
    { vectors: { control: Float32Array.of(-Infinity) } },
    "scaffold: expected finite values of control, got -Infinity at 0",
  ],
  ...[
    null,
    3,
    "text",
    [],
    { count: "1", weight: 1 },
    { count: 1.5, weight: 1 },
    { count: 1, weight: Infinity },
    { count: 1, weight: -1 },
    { count: {}, weight: null },
  ].map((json): typeof STATES[number] => [
    () => new FedBuff({ size: 3 }),
    { json, vectors: { sum: new Float32Array(1) } },
    "fedbuff: expected a buffer of less than 3 updates and its weight, got ",
  ]),
  [
    () => new FedBuff({ size: 3 }),
    { json: { count: 1, weight: 1 }, vectors: { sum: Float32Array.of(NaN) } },
    "fedbuff: expected finite values of sum, got NaN at 0",
  ],
];

Deno.test("restore() of strategies refuses a state that was never saved, by name", () => {
  for (const [make, state, says] of STATES) {
    const error = assertThrows(() => make().restore?.(state as StrategyState), Error);
    assertStringIncludes(error.message, `Cannot restore ${says}`);
  }
});
