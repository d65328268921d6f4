import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import { readSafetensors, type RunReport } from "../../mod.ts";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const SMALL = ["--clients", "2", "--fraction", "1", "--workers", "1", "--model", "lr"];

async function readReport(path: string): Promise<RunReport> {
  return JSON.parse(await Deno.readTextFile(path));
}

Deno.test("--lr-decay halves the rate in each round, and a resumed run may have another one", () =>
  inFolder(async (folder) => {
    const first = await runCommand("simulate", [
      ...[...SMALL, "--rounds", "3", "--lr", "0.4", "--lr-decay", "0.5"],
      ...["--checkpoint-every", "1", "--out", "run", "--csv", "rounds.csv"],
    ], folder);
    assertEquals(first.code, 0, first.stderr);
    const report = await readReport(`${folder}/run/report.json`);
    assertEquals(report.rounds.map(({ learningRate }) => learningRate), [0.4, 0.2, 0.1]);
    assertEquals(report.schedule, { name: "exponential", decay: 0.5 });
    const [names = "", row = ""] = (await Deno.readTextFile(`${folder}/rounds.csv`)).split("\n");
    assertEquals(row.split(",")[names.split(",").indexOf("learningRate")], "0.4");
    assert(names.includes(",trainMetrics/accuracy"), names);
    const again = await runCommand("simulate", [
      ...["--resume", "run", "--rounds", "4", "--lr", "0.8", "--lr-schedule", "constant"],
    ], folder);
    assertEquals(again.code, 0, again.stderr);
    const { changes, rounds } = await readReport(`${folder}/run/report.json`);
    assertEquals(changes, [{
      round: 4,
      from: { learningRate: 0.4, schedule: { name: "exponential", decay: 0.5 } },
      to: { learningRate: 0.8 },
    }]);
    assertEquals(rounds.map(({ learningRate }) => learningRate), [0.4, 0.2, 0.1, undefined]);
    assertStringIncludes(again.stdout, "since round 4: learningRate 0.8; before: learningRate 0.4");
  }));

Deno.test("--patience stops a run with status 0 and writes its best model, also when it is resumed", () =>
  inFolder(async (folder) => {
    // No improvement is larger than the whole loss.
    const patience = ["--monitor", "loss", "--patience", "2", "--min-delta", "100"];
    const args = [
      ...SMALL,
      "--rounds",
      "9",
      "--checkpoint-every",
      "1",
      "--out",
      "run",
      ...patience,
    ];
    const first = await runCommand("simulate", args, folder);
    assertEquals(first.code, 0, first.stderr);
    const reason = "loss has not improved for 2 evaluations since round 1";
    assertStringIncludes(first.stdout, `stopped early after round 3: ${reason}`);
    assertMatch(first.stdout, /^best loss [\d.]+ in round 3$/m);
    const report = await readReport(`${folder}/run/report.json`);
    assertEquals([report.rounds.length, report.stopped?.round, report.best?.round], [3, 3, 3]);
    const best = await readSafetensors(`${folder}/run/model-best.safetensors`);
    const last = await readSafetensors(`${folder}/run/model.safetensors`);
    assertEquals(best.parameters, last.parameters);
    assertEquals([best.metadata?.metric, best.metadata?.rounds], ["loss", "3"]);
    const resumed = await runCommand("simulate", ["--resume", "run"], folder);
    assertEquals(resumed.code, 0, resumed.stderr);
    assertStringIncludes(resumed.stdout, `stopped early after round 3: ${reason}`);
    const more = await runCommand("simulate", ["--resume", "run", "--patience", "4"], folder);
    assertEquals(more.code, 0, more.stderr);
    assertEquals((await readReport(`${folder}/run/report.json`)).stopped?.round, 5);
  }));

Deno.test("options of schedules, stopping and own settings that contradict each other are refused", () =>
  inFolder(async (folder) => {
    const cases: [string[], string][] = [
      [["--lr-schedule", "exponential"], "expected --lr-decay with --lr-schedule exponential"],
      [
        ["--lr-schedule", "cosine", "--lr-decay", "0.5"],
        "expected --lr-schedule step or exponential with --lr-decay",
      ],
      [["--lr-every", "5"], "expected --lr-schedule step with --lr-every"],
      [
        ["--lr-schedule", "cosine", "--lr-warmup", "3", "--rounds", "3"],
        "expected --lr-warmup below the 3 rounds, got 3",
      ],
      [["--min-delta", "0.1"], "expected --patience with --min-delta"],
      [
        ["--stop-at", "accuracy=0.5", "--target-accuracy", "0.5"],
        "expected --stop-at or --target-accuracy, got both",
      ],
      [["--stop-at", "accuracy"], "Expected METRIC=VALUE such as accuracy=0.95, got accuracy"],
      [["--monitor", "speed"], "or speed:min or speed:max"],
      [["--client-epochs", "5..1"], "Expected a range A..B of whole numbers from 1, got 5..1"],
      [
        ["--strategy", "fedsgd", "--client-epochs", "1..2"],
        "does not go with settings that clients choose themselves",
      ],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await runCommand("simulate", [...SMALL, ...args], folder);
      assert(code !== 0, args.join(" "));
      assertStringIncludes(stderr, message);
    }
  }));

Deno.test("a client has its own results and settings, where the server allows them", () =>
  inFolder(async (folder) => {
    const server = startCommand("server", [
      ...["--listen", "127.0.0.1:0", "--world-size", "2", "--rounds", "2", "--model", "lr"],
      ...["--evaluate", "clients", "--client-epochs", "1..3", "--out", "run"],
    ], folder);
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const refused = await runCommand(
      "client",
      ["--server", address, "--batch-size", "3"],
      folder,
    );
    assertEquals(refused.code, 1);
    assertMatch(
      refused.stderr,
      /^error: Cannot join: expected batchSize of 10, because the server lets no client choose its own, got 3$/m,
    );
    const client = await runCommand("client", [
      ...["--server", address, "--epochs", "3", "--hold-out", "0.2"],
      ...["--share-metrics", "loss", "--json", "client.json"],
    ], folder);
    assertEquals([client.code, (await server.outcome).code], [0, 0], client.stderr);
    const own = JSON.parse(await Deno.readTextFile(`${folder}/client.json`));
    assertEquals(own.rounds.length, 2);
    const [{ numSamples, steps, metrics }] = own.rounds;
    assertEquals(steps, 3 * Math.ceil(numSamples / 10));
    assertEquals(typeof metrics.accuracy, "number");
    assertEquals(own.evaluations.map(({ round }: { round: number }) => round), [1, 2]);
    assertEquals(typeof own.evaluations[0].accuracy, "number");
    assertMatch(client.stderr, /Round 2: evaluated on \d+ samples, loss [\d.]+, accuracy [\d.]+/);
    // The server has what the client shares, and the steps.
    const { rounds } = await readReport(`${folder}/run/report.json`);
    assertEquals(rounds[0]?.accuracy, undefined);
    const [{ loss, accuracy = undefined } = {}] = rounds[0]?.clients?.byRank ?? [];
    assertEquals([loss, accuracy], [own.evaluations[0].loss, undefined]);
    assertEquals(rounds[0]?.trainByRank?.[0]?.steps, steps);
    assertEquals(rounds[0]?.trainByRank?.[0]?.metrics, undefined);
    assertMatch((await server.outcome).stderr, /Rank 1 joined .* samples, epochs 3 \(/);
  }));

Deno.test("clients that outlive a server train by the rate with which it is resumed, also a round that they had begun", () =>
  inFolder(async (folder) => {
    const address = `127.0.0.1:${freePort()}`;
    const settings = ["--model", "lr", "--lr", "0.2", "--epochs", "20"];
    let server = startCommand("server", [
      ...["--listen", address, "--world-size", "3", "--rounds", "4", "--out", "run", ...settings],
    ], folder);
    const clients = [1, 2].map((rank) =>
      startCommand(
        "client",
        ["--server", address, "--rank", `${rank}`, "--part", `${rank}/2`],
        folder,
      )
    );
    await server.said(/Round 2 of 4/);
    server.process.kill("SIGKILL");
    await server.outcome;
    const { length } = (await Deno.readTextFile(`${folder}/run/checkpoints/history.jsonl`)).trim()
      .split("\n");
    server = startCommand("server", ["--resume", "run", "--lr", "0.01"], folder);
    const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
    assertEquals(outcomes.map(({ code }) => code), [0, 0, 0], outcomes[0]?.stderr);
    const report = await readReport(`${folder}/run/report.json`);
    const round = (report.changes?.[0]?.round ?? 0) - 1;
    assert(round === length || round === length - 1);
    const simulate = async (args: string[]) => {
      const { code, stderr } = await runCommand("simulate", args, folder);
      assertEquals(code, 0, stderr);
    };
    const small = ["--clients", "2", "--fraction", "1", "--workers", "1"];
    const begun = [...small, ...settings, "--checkpoint-every", "1", "--out", "sim"];
    await simulate([...begun, "--rounds", `${round}`]);
    await simulate(["--resume", "sim", "--rounds", "4", "--lr", "0.01"]);
    const simulated = await readReport(`${folder}/sim/report.json`);
    assertEquals(report.modelDigest, simulated.modelDigest);
  }));
