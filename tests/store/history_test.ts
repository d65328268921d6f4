import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  type Checkpoint,
  CheckpointStore,
  type RunReport,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import {
  MAX_REASON_LENGTH,
  MAX_REPORTED_ABSENCES,
  reportAbsences,
  shortReason,
} from "../../src/round/report/absence.ts";
import { LastAcceptedRounds } from "../../src/round/cohort/last_accepted_rounds.ts";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";
import { talk } from "../server/talkative_peers.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const FIXTURES = `${import.meta.dirname}/../fixtures/checkpoints_1`;

/**
 * Folder of a run that was saved after its second round by a version whose checkpoints had the
 * reports of all rounds.
 */
async function olderRun(folder: string, command: "server" | "simulate"): Promise<void> {
  await Deno.mkdir(`${folder}/run/checkpoints`, { recursive: true });
  const name = "round-000002.safetensors";
  await Deno.copyFile(`${FIXTURES}/${command}/${name}`, `${folder}/run/checkpoints/${name}`);
}

async function readReport(path: string): Promise<RunReport> {
  return JSON.parse(await Deno.readTextFile(`${path}/report.json`));
}

/** Settings of the older runs, which began with random weights. */
const SETTINGS = [
  ...["--model", "lr", "--init", "glorot", "--seed", "5", "--strategy", "fedavgm"],
  "--strict-determinism",
];

Deno.test("simulate --resume goes on from a checkpoint of the format before, with the undisturbed run's model", () =>
  inFolder(async (folder) => {
    await olderRun(folder, "simulate");
    const args = ["--clients", "4", "--fraction", "0.5", "--rounds", "4", "--workers", "1"];
    const whole = await runCommand("simulate", [...args, ...SETTINGS, "--out", "whole"], folder);
    assertEquals(whole.code, 0, whole.stderr);
    const resumed = await runCommand("simulate", ["--resume", "run", "--rounds", "4"], folder);
    assertEquals(resumed.code, 0, resumed.stderr);
    const [expected, report] = [
      await readReport(`${folder}/whole`),
      await readReport(`${folder}/run`),
    ];
    assertEquals(report.modelDigest, expected.modelDigest);
    assertEquals(report.rounds.map(({ round }) => round), [1, 2, 3, 4]);
    const lines = (await Deno.readTextFile(`${folder}/run/checkpoints/history.jsonl`)).split("\n");
    assertEquals(lines.slice(0, -1).map((line) => JSON.parse(line)), [...report.rounds]);
  }));

Deno.test("server --resume goes on from a checkpoint of the format before, with the undisturbed run's model", () =>
  inFolder(async (folder) => {
    await olderRun(folder, "server");
    const run = async (args: string[]) => {
      const server = startCommand("server", ["--listen", "127.0.0.1:0", ...args], folder);
      const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
      const clients = [1, 2].map((rank) =>
        startCommand("client", [
          ...["--server", address, "--rank", `${rank}`, "--part", `${rank}/2`],
          "--strict-determinism",
        ], folder)
      );
      for (const { outcome } of [server, ...clients]) {
        assertEquals((await outcome).code, 0, (await outcome).stderr);
      }
    };
    await run(["--world-size", "3", "--rounds", "4", ...SETTINGS, "--out", "whole"]);
    await run(["--resume", "run", "--rounds", "4", "--join-seconds", "30"]);
    const [expected, report] = [
      await readReport(`${folder}/whole`),
      await readReport(`${folder}/run`),
    ];
    assertEquals(report.modelDigest, expected.modelDigest);
    assertEquals(report.rounds.map(({ round }) => round), [1, 2, 3, 4]);
  }));

const MANIFEST = vectorManifest(4);

/** Gives the message with which a server refuses to resume from a checkpoint. */
async function refusalOf(resume: Checkpoint): Promise<string> {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(4),
  });
  const server = new ServerSyncTop(handler, {
    ...{ listen: "refusal", distBackend: "memory", logger: silentLogger },
    ...{ worldSize: 2, rounds: 3, resume },
  });
  return (await assertRejects(() => server.run(), TypeError)).message;
}

Deno.test("a server refuses by name a checkpoint of a later format, and one whose history is not its rounds'", () =>
  inFolder(async (folder) => {
    await talk(folder, 2, 1);
    const whole = await new CheckpointStore(folder).latest();
    assert(whole !== undefined);
    const { state, history = [] } = whole;
    assertEquals(state.format, "fedlab.checkpoint/2");
    assertEquals("rounds" in state, false);
    assertEquals(history.length, 2);
    const where = "Cannot resume from the checkpoint: expected ";
    assertEquals(
      await refusalOf({ ...whole, state: { ...state, format: "fedlab.checkpoint/3" } }),
      `${where}the format fedlab.checkpoint/2 or fedlab.checkpoint/1, got fedlab.checkpoint/3`,
    );
    const [first, second] = history as Record<string, unknown>[];
    const histories = [
      undefined,
      [],
      [first],
      [first, second, second],
      [second, first],
      [first, null],
      [first, { ...second, cohort: undefined }],
      [first, { ...second, losses: [null] }],
    ];
    for (const other of histories) {
      const { history: _, ...rest } = whole;
      const message = await refusalOf({ ...rest, ...(other && { history: other }) });
      assertEquals(message, `${where}the reports of its 2 rounds`);
    }
    for (const other of [{ tokens: [null] }, { final: null }, { run: 7 }]) {
      const message = await refusalOf({ ...whole, state: { ...state, ...other } });
      assertEquals(message, `${where}the state of a server's run`);
    }
  }));

Deno.test("a checkpoint and a round's part of the history are bounded, whatever peers say when they leave", () =>
  inFolder(async (folder) => {
    const { checkpoint, history } = await talk(folder, 12, 8);
    assertEquals(checkpoint.length, 12);
    const first = checkpoint[0] ?? 0;
    for (const size of checkpoint) assert(size <= 1.1 * first, `${size} bytes after ${first}`);
    const growth = history.map((size, i) => size - (history[i - 1] ?? 0));
    // 200 characters of three bytes each for the reason, and as much again for all else.
    for (const bytes of growth) assert(bytes > 8 * 500 && bytes < 8 * 700 + 600, `${bytes} bytes`);
    const latest = await new CheckpointStore(folder).latest();
    assertEquals(latest?.history?.length, 12);
  }));

Deno.test("shortReason() gives a line of bounded length, and splits no character", () => {
  assertEquals(shortReason(new Error("short\n  lines")), "short lines");
  assertEquals(shortReason("x".repeat(MAX_REASON_LENGTH)), "x".repeat(MAX_REASON_LENGTH));
  assertEquals(shortReason("€".repeat(201)), `${"€".repeat(199)}…`);
  const emoji = shortReason(`${"x".repeat(198)}😀😀`);
  assertEquals(emoji, `${"x".repeat(198)}…`);
  assert(emoji.isWellFormed());
});

Deno.test("reportAbsences() says why of the first hundred, and who the others are", () => {
  const reason = "€".repeat(4096);
  const missing = Array.from({ length: 1000 }, (_, i) => ({ rank: i + 1, reason }));
  const { losses, lossesOmitted } = reportAbsences(missing);
  assertEquals(
    losses.map(({ rank }) => rank),
    Array.from({ length: MAX_REPORTED_ABSENCES }, (_, i) => i + 1),
  );
  assertEquals(losses.every(({ reason }) => reason.length === MAX_REASON_LENGTH), true);
  assertEquals(lossesOmitted?.length, 900);
  assertEquals(reportAbsences(missing.slice(0, MAX_REPORTED_ABSENCES)).lossesOmitted, undefined);
  // No other rank counts as one whose update is in the model.
  const taken = new LastAcceptedRounds();
  taken.add({
    round: 3,
    cohort: [100, 101, 1001],
    losses,
    ...(lossesOmitted && { lossesOmitted }),
  });
  assertEquals([100, 101, 1001].map((rank) => taken.get(rank, [])), [0, 0, 3]);
});
