import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import {
  type Checkpoint,
  type Checkpoints,
  CheckpointStore,
  ClientFollowingTop,
  ConnectionClosedError,
  MessageCode,
  type RunReport,
  RunStoppedError,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  type Strategy,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { OvertakenError } from "../../src/base/mod.ts";
import { CentralPrivacy } from "../../src/privacy/mod.ts";
import { inFolder, startCommand } from "../helpers/command.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { Peer } from "../helpers/peer.ts";
import { onSmallDisk } from "../helpers/small_disk.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(3);

/** Checkpoints in memory. The n-th save, from 1, fails when `fault` returns an error for it. */
function failing(fault: (save: number) => Error | undefined): Checkpoints & { saved: number[] } {
  let saves = 0;
  const saved: number[] = [];
  const kept: Checkpoint[] = [];
  return {
    saved,
    save: (checkpoint) => {
      const error = fault(++saves);
      if (error) return Promise.reject(error);
      kept.push(checkpoint);
      saved.push(checkpoint.round);
      return Promise.resolve(`memory/${checkpoint.round}`);
    },
    latest: () => Promise.resolve(kept.at(-1)),
    best: () => Promise.resolve(kept.at(-1)),
  };
}

/** Runs a server with one client; returns both outcomes and the server's events. */
async function run(
  checkpoints: Checkpoints,
  { rounds = 6, saveTries, signal, strategy }: {
    rounds?: number;
    saveTries?: number;
    signal?: AbortSignal;
    strategy?: Strategy;
  } = {},
) {
  const events: ServerEvent[] = [];
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    ...(strategy && { strategy }),
  });
  const listen = `saves-${crypto.randomUUID()}`;
  const server = new ServerSyncTop(handler, {
    ...{ ...group, listen, worldSize: 2, rounds, checkpoints },
    ...(saveTries !== undefined && { saveTries }),
    onEvent: (event) => events.push(event),
  });
  const client = new ClientFollowingTop(new FakeHandler(MANIFEST), {
    ...{ ...group, serverAddr: listen },
  });
  const [served, followed] = await Promise.allSettled([
    server.run(signal ? { signal } : {}),
    client.run(),
  ]);
  return { served, followed, events };
}

const full = () => new Error("Cannot save checkpoint memory: No space left on device");

Deno.test("a save that fails is told, and the run goes on and is kept after the next round", async () => {
  const checkpoints = failing((save) => save >= 2 && save <= 4 ? full() : undefined);
  const { served, followed, events } = await run(checkpoints, { saveTries: 4 });
  assertEquals([served.status, followed.status], ["fulfilled", "fulfilled"]);
  assertEquals(checkpoints.saved, [1, 5, 6]);
  const failed = events.filter((event) => event.type === "checkpoint-failed");
  assertEquals(failed.map(({ round, failures }) => [round, failures]), [[2, 1], [3, 2], [4, 3]]);
  assertEquals((await checkpoints.latest())?.history?.length, 6);
});

Deno.test("failures of saves count in a row", async () => {
  const checkpoints = failing((save) => save % 2 === 0 ? full() : undefined);
  const { served, events } = await run(checkpoints, { rounds: 9, saveTries: 2 });
  assertEquals(served.status, "fulfilled");
  assertEquals(events.filter(({ type }) => type === "checkpoint-failed").length, 4);
});

Deno.test("a run that cannot be saved so often in a row stops, and its client ends with an error", async () => {
  const checkpoints = failing((save) => save > 2 ? full() : undefined);
  const { served, followed } = await run(checkpoints, { rounds: 50, saveTries: 3 });
  assert(served.status === "rejected" && followed.status === "rejected");
  assertEquals(
    served.reason.message,
    "Cannot go on: the run could not be saved 3 times in a row: Cannot save checkpoint memory: No space left on device",
  );
  assert(followed.reason instanceof RunStoppedError);
  assertMatch(
    followed.reason.message,
    /^The run stopped and may be resumed: Cannot go on: .*No space left on device$/,
  );
  assertEquals(checkpoints.saved, [1, 2]);
});

Deno.test("the last save of a run is tried again at once", async () => {
  const checkpoints = failing((save) => save >= 3 && save <= 5 ? full() : undefined);
  const { served, followed } = await run(checkpoints, { rounds: 3, saveTries: 1 });
  assertEquals([served.status, followed.status], ["fulfilled", "fulfilled"]);
  assertEquals(checkpoints.saved, [1, 2, 3]);
});

Deno.test("a save that can never do better ends the run at once", async () => {
  const checkpoints = failing((save) =>
    save > 1 ? new OvertakenError("another server goes on with this run") : undefined
  );
  const { served, followed } = await run(checkpoints);
  assert(served.status === "rejected");
  assertEquals(served.reason.message, "another server goes on with this run");
  assert(followed.status === "rejected" && followed.reason instanceof RunStoppedError);
  assertEquals(checkpoints.saved, [1]);
});

Deno.test("a run that is ended by its signal is over for its client", async () => {
  const stop = new AbortController();
  const checkpoints = failing((save) => {
    if (save === 2) stop.abort(new Error("stopped"));
    return undefined;
  });
  const { served, followed } = await run(checkpoints, { rounds: 1000, signal: stop.signal });
  assertEquals([served.status, followed.status], ["rejected", "fulfilled"]);
});

Deno.test("Exit says whether the run is over, also to a client that comes back to hear it", async () => {
  for (const stops of [true, false]) {
    const checkpoints = failing((save) => stops && save > 1 ? full() : undefined);
    const handler = new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(MANIFEST.length),
      evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
    });
    const { promise: listening, resolve } = Promise.withResolvers<string>();
    const { promise: away, resolve: isAway } = Promise.withResolvers<void>();
    let taken = Promise.withResolvers<void>();
    const server = new ServerSyncTop(handler, {
      ...{ listen: "127.0.0.1:0", worldSize: 3, rounds: 3, checkpoints, saveTries: 1 },
      ...{ logger: silentLogger, quorum: 0.1, fraction: 1 },
      onEvent: (event) => {
        if (event.type === "listening") resolve(event.address);
        if (event.type === "client-away") isAway();
        if (event.type === "update-received" && event.rank === 1) taken.resolve();
      },
    });
    const running = server.run().then(() => true, () => false);
    const address = await listening;
    await using there = await Peer.connect(address);
    const gone = await Peer.connect(address);
    await there.join({ rank: 2 });
    const { token } = await gone.join({ rank: 1 });
    const rounds = stops ? 2 : 3;
    for (let round = 1; round <= rounds; round++) {
      await Promise.all([there, gone].map((peer) => peer.until(MessageCode.ParameterUpdate)));
      taken = Promise.withResolvers();
      await gone.update(round);
      await taken.promise;
      if (round === rounds) {
        // The client has answered, and is away when the run ends.
        gone.connection.abort(new ConnectionClosedError("cut"));
        await away;
      }
      await there.update(round);
    }
    const { reason, over } = await there.until(MessageCode.Exit);
    assertEquals(over, !stops, reason);
    await using back = await Peer.connect(address);
    await back.register({ token });
    assertEquals((await back.until(MessageCode.Exit)).over, !stops);
    for (const peer of [there, back]) {
      await peer.send({ code: MessageCode.Exit, payload: { reason } });
    }
    assertEquals(await running, !stops);
    await gone.connection.close();
  }
});

async function readReport(folder: string): Promise<RunReport> {
  return JSON.parse(await Deno.readTextFile(`${folder}/report.json`));
}

function startClients(address: string, folder: string): ReturnType<typeof startCommand>[] {
  return [1, 2].map((rank) =>
    startCommand(
      "client",
      ["--server", address, "--rank", `${rank}`, "--part", `${rank}/2`],
      folder,
    )
  );
}

const SETTINGS = ["--world-size", "3", "--rounds", "9", "--seed", "7", "--epochs", "2"];

Deno.test("a server that stops for want of saves is resumed, with clients that a supervisor starts again, to the undisturbed model", () =>
  inFolder(async (folder) => {
    const begin = async (args: string[]) => {
      const server = startCommand("server", ["--listen", "127.0.0.1:0", ...args], folder);
      const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
      return { server, clients: startClients(address, folder) };
    };
    const whole = await begin([...SETTINGS, "--out", "whole"]);
    for (const { outcome } of [whole.server, ...whole.clients]) {
      assertEquals((await outcome).code, 0);
    }
    const inTheWay = [6, 7].map((round) =>
      `${folder}/run/checkpoints/round-00000${round}.safetensors`
    );
    for (const path of inTheWay) await Deno.mkdir(`${path}/in the way`, { recursive: true });
    const { server, clients } = await begin([...SETTINGS, "--save-tries", "2", "--out", "run"]);
    const { code, stderr } = await server.outcome;
    assertEquals(code, 1, stderr);
    assertMatch(stderr, /error: Cannot go on: the run could not be saved 2 times in a row: /);
    for (const { outcome } of clients) {
      const { code, stderr } = await outcome;
      assertEquals(code, 1);
      assertMatch(stderr, /\nerror: The run stopped and may be resumed: [^\n]*\n$/);
    }
    for (const path of inTheWay) await Deno.remove(path, { recursive: true });
    const again = await begin(["--resume", "run"]);
    for (const { outcome } of [again.server, ...again.clients]) {
      assertEquals((await outcome).code, 0, (await outcome).stderr);
    }
    const [expected, report] = [
      await readReport(`${folder}/whole`),
      await readReport(`${folder}/run`),
    ];
    assertEquals(report.modelDigest, expected.modelDigest);
    assertEquals(
      report.rounds.map(({ round }) => round),
      expected.rounds.map(({ round }) => round),
    );
  }));

/** Makes a strategy for runs of a client and six rounds. */
function privateStrategy(): CentralPrivacy {
  const plan = { rounds: 6, clients: 1, cohort: 1, bands: 1 };
  return new CentralPrivacy({ mechanism: "ftrl", epsilon: 8, delta: 1e-3, ...plan });
}

Deno.test("a private run saves each round before the next one begins, or stops", async () => {
  const once = failing((save) => save === 2 ? new Error("the disk is full") : undefined);
  const { served } = await run(once, { strategy: privateStrategy() });
  assertEquals(served.status, "fulfilled");
  assertEquals(once.saved, [1, 2, 3, 4, 5, 6, 6]);

  const always = failing((save) => save > 2 ? new Error("the disk is full") : undefined);
  const { served: stopped, events } = await run(always, { strategy: privateStrategy() });
  assertEquals(stopped.status, "rejected");
  assertMatch(String((stopped as PromiseRejectedResult).reason), /the disk is full/);
  assertEquals(always.saved, [1, 2]);
  const begun = events.flatMap((event) => event.type === "round-started" ? [event.round] : []);
  assertEquals(begun, [1, 2, 3]);
});

Deno.test("a disk that is full for a while costs a run nothing, and leaves what is on it whole", () =>
  inFolder((folder) =>
    onSmallDisk(`${folder}/disk`, async (disk) => {
      const args = ["--clients", "2", "--workers", "1", "--model", "lr", "--checkpoint-every", "1"];
      const simulate = startCommand("simulate", [
        ...[...args, "--rounds", "3000", "--save-tries", "100000", "--out", "disk/run"],
      ], folder);
      await simulate.said(/round 3 of/);
      await disk.fill();
      await simulate.said(/Cannot save checkpoint .*No space left on device/);
      const kept = new CheckpointStore(`${disk.path}/run/checkpoints`);
      assert(await kept.latest() !== undefined);
      await disk.empty();
      const { code, stderr } = await simulate.outcome;
      assertEquals(code, 0, stderr);
      assertEquals((await readReport(`${disk.path}/run`)).rounds.length, 3000);
      assertEquals((await kept.latest())?.round, 3000);
    })
  ));
