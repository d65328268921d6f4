import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import { DATA_SET, DATA_SHARE } from "../../src/cli/options/data.ts";
import { JOINING } from "../../src/cli/options/joining.ts";
import { OUTPUT } from "../../src/cli/options/output.ts";
import { SECURITY } from "../../src/cli/options/security.ts";
import { STRATEGY } from "../../src/cli/options/strategy.ts";
import { TIMEOUTS } from "../../src/cli/options/timeouts.ts";
import { TRAINING } from "../../src/cli/options/training.ts";
import { CheckpointStore, type RunReport } from "../../mod.ts";
import { type CommandName as Name, flagOf, option } from "../../src/cli/options/option.ts";
import { type Flags, libraryOptions, optionsOf } from "../../src/cli/options/table.ts";
import { real } from "../../src/cli/options/values.ts";
import { inFolder, runCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const COMMANDS: readonly Name[] = [
  ...["demo", "server", "client", "simulate"] as const,
  ...["reproduce", "partition", "plot", "keygen"] as const,
  ...["predict", "evaluate", "export", "generate", "schema", "stats"] as const,
  ...["new", "dashboard", "runs", "cluster-config", "doctor", "completions"] as const,
];

Deno.test("every option has a help text, and a placeholder unless it is a switch", () => {
  for (const command of COMMANDS) {
    for (const { name, help, value, unit, type } of optionsOf(command)) {
      assertMatch(help, /^[\w].*[^.]$/, `${command} ${name}`);
      assertEquals((value ?? unit) === undefined, type.isSwitch === true, `${command} ${name}`);
    }
  }
});

Deno.test("every default is a value that its option can read", () => {
  for (const command of COMMANDS) {
    for (const { name, type, default: value } of optionsOf(command)) {
      if (value === undefined || type.isSwitch) continue;
      assertEquals(type.parse(`${value}`), value, `${command} ${name}`);
    }
  }
});

Deno.test("libraryOptions() collects what the options of one group set, in the library's names", () => {
  const flags: Partial<Flags<"server">> = {
    ...{ epochs: 2, lr: 0.5, nesterov: false, proximal: 0, optimizer: "adam" },
    ...{ quorum: 0.25, updateBound: 0, header: "yes", labelColumn: "3" },
  };
  assertEquals(libraryOptions("plan", flags), { epochs: 2, learningRate: 0.5, optimizer: "adam" });
  assertEquals(libraryOptions("rounds", flags), { quorum: 0.25 });
  assertEquals(libraryOptions("handler", flags), { updateBound: Infinity });
  assertEquals(libraryOptions("table", flags), { header: true, labelColumn: 3 });
});

Deno.test("option() refuses at compile time a default and a library option of another type", () => {
  const base = { help: "a", value: "<x>", group: "Training", commands: { demo: {} } } as const;
  // @ts-expect-error: the option reads numbers
  option(real({}), { ...base, default: "1" });
  // @ts-expect-error: the plan has no such setting
  option(real({}), { ...base, library: { plan: (rate) => ({ learningRat: rate }) } });
  // @ts-expect-error: the setting is a number
  option(real({}), { ...base, library: { plan: (rate) => ({ learningRate: `${rate}` }) } });
});

Deno.test("--help shows the common options in groups and an example, --help --all the rare ones too", () =>
  inFolder(async (folder) => {
    for (const command of COMMANDS) {
      const help = async (...args: string[]) => {
        const { code, stdout, stderr } = await runCommand(command, args, folder);
        assertEquals(code, 0, stderr);
        return stdout;
      };
      const some = await help("--help");
      const all = await help("--help", "--all");
      assertEquals(await help("--help=all"), all);
      assertMatch(some, /\nExample: deno task [\w-]+ .*\n$/);
      for (const { name, group, isRare = false } of optionsOf(command)) {
        const line = new RegExp(`^  .*${flagOf(name)}( |$)`, "m");
        assertEquals(line.test(some), !isRare, `${command} ${name}`);
        assert(line.test(all), `${command} ${name}`);
        assertStringIncludes(all, `\n${group}:\n`);
      }
    }
    const { code, stderr } = await runCommand("demo", ["--all"], folder);
    assertEquals([code, stderr], [2, "error: expected --help with --all\n"]);
  }));

const SMALL = ["--clients", "2", "--workers", "1", "--model", "lr"];

Deno.test("an option's earlier spelling works, with one line that names the present one", () =>
  inFolder(async (folder) => {
    const { code, stderr } = await runCommand("simulate", [
      ...[...SMALL, "--rounds", "4", "--cohort", "1", "--eval-every=2", "--json", "r.json"],
    ], folder);
    assertEquals(code, 0, stderr);
    assertEquals(stderr.match(/^.*deprecated.*$/gm), [
      "--eval-every is deprecated: use --evaluate-every",
      "--cohort is deprecated: use --cohort-size",
    ]);
    const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/r.json`));
    assertEquals(report.rounds.map(({ cohort }) => cohort.length), [1, 1, 1, 1]);
    assertEquals(
      report.rounds.map(({ accuracy }) => accuracy !== undefined),
      [false, true, false, true],
    );
    const cases: [Parameters<typeof runCommand>[0], string[], RegExp][] = [
      ["simulate", ["--cohort", "0"], /'--cohort <n>' argument '0' is invalid/],
      ["simulate", ["--cohort", "1", "--cohort-size", "1"], /--cohort-size or --cohort, got both/],
      ["server", ["--keep", "2"], /^--keep is deprecated: use --keep-checkpoints\n/],
      ["server", ["--updates", "2"], /^--updates is deprecated: use --versions\n.*no --versions/s],
      ["reproduce", ["cnn-shards", "--short", "--keep", "a"], /^--keep .* use --runs-dir\n/],
    ];
    for (const [command, args, message] of cases) {
      const world = command === "server" ? ["--world-size", "2", "--min-clients", "2"] : [];
      const { code, stderr } = await runCommand(command, [...world, ...args], folder);
      assertEquals(code, 2, stderr);
      assertMatch(stderr, message);
    }
  }));

Deno.test("simulate --resume goes on with a run whose checkpoint has earlier names, and fewer of them", () =>
  inFolder(async (folder) => {
    const kept = [...SMALL, "--rounds", "1", "--checkpoint-every", "1", "--out", "run"];
    const began = await runCommand("simulate", [...kept, "--cohort-size", "1"], folder);
    assertEquals(began.code, 0, began.stderr);
    const store = new CheckpointStore(`${folder}/run/checkpoints`);
    const checkpoint = await store.latest();
    assert(checkpoint !== undefined);
    const { command, flags } = Object(checkpoint.state.notes);
    const { cohortSize, evaluateEvery, quorum: _, selection: __, ...others } = flags;
    assertEquals([cohortSize, evaluateEvery], [1, 1]);
    const notes = { command, flags: { ...others, cohort: cohortSize, evalEvery: 2 } };
    await store.save({ ...checkpoint, state: { ...checkpoint.state, notes } });
    const resume = ["--resume", "run", "--rounds", "4"];
    const other = await runCommand("simulate", [...resume, "--cohort-size", "2"], folder);
    assertStringIncludes(other.stderr, "expected --cohort-size 1 as the run began, got 2");
    const again = await runCommand("simulate", resume, folder);
    assertEquals(again.code, 0, again.stderr);
    const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/run/report.json`));
    assertEquals(
      report.rounds.map(({ cohort, accuracy }) => [cohort.length, accuracy !== undefined]),
      [[1, true], [1, true], [1, false], [1, true]],
    );
  }));

Deno.test("no two options have the same name", () => {
  const groups = [JOINING, TRAINING, STRATEGY, DATA_SET, DATA_SHARE, SECURITY, OUTPUT, TIMEOUTS];
  const names = groups.flatMap((group) => Object.keys(group));
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  assertEquals(twice, []);
});
