import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  ClientFollowingTop,
  ClientSyncTop,
  MessageCode,
  type RunReport,
  ServerAsyncTop,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
} from "../../mod.ts";
import { Connection, memoryTransport } from "../../src/net/mod.ts";
import { KnownClients } from "../../src/round/handler/known_clients.ts";
import { UploadMonitor } from "../../src/server/uploads/upload_monitor.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { frameOf } from "../helpers/frame.ts";
import { Peer } from "../helpers/peer.ts";
import { vectorHandler } from "../helpers/played_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const LENGTH = 20_000;
const MANIFEST = vectorManifest(LENGTH);

/** Sends the frame of a client's update, in its own way. */
type Send = (peer: Peer, frame: Uint8Array<ArrayBuffer>) => Promise<void>;

/** Sends that many of the frame's bytes, and no more. */
const stallAt = (bytes: number): Send => async (peer, frame) =>
  await peer.channel.write(frame.slice(0, bytes));

/** Sends that many bytes a second, as long as the connection lasts. */
const dribble = (bytesPerSecond: number): Send => async (peer, frame) => {
  const pieces = 50;
  for (let at = 0; at < frame.length; at += bytesPerSecond / pieces) {
    await peer.channel.write(frame.slice(at, at + bytesPerSecond / pieces));
    await new Promise((resolve) => setTimeout(resolve, 1000 / pieces));
  }
};

/** Returns the frame of an update for that round. */
function updateFrame(round: number): Uint8Array<ArrayBuffer> {
  return frameOf({
    code: MessageCode.ParameterUpdate,
    payload: { round, numSamples: 1, parameters: new Float32Array(LENGTH).fill(round) },
  });
}

/**
 * Client of that rank that sends each update in its own way, and rejoins until the server is gone.
 */
async function member(address: string, rank: number, send: Send): Promise<void> {
  for (;;) {
    let peer: Peer;
    try {
      peer = await Peer.connect(address);
    } catch {
      return;
    }
    try {
      await peer.join({ rank });
      for (;;) {
        const { round } = await peer.until(MessageCode.ParameterUpdate);
        await send(peer, updateFrame(round));
      }
    } catch {
      // The client was disconnected, or the run has ended.
    } finally {
      peer.connection.abort(new Error("the member is gone"));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Setting {
  rounds?: number;
  roundSeconds?: number;
  /** Ways in which the dishonest ranks, from 1, send. */
  slow: readonly Send[];
  honest: number;
  handler?: Partial<SyncParameterServerHandlerOptions>;
  /** Default: the server. */
  evaluates?: "clients";
  /** Memory for updates that come early. */
  memoryBytes?: number;
}

interface Outcome {
  report: RunReport;
  lost: number[];
  honest: PromiseSettledResult<void>[];
}

/** Runs over TCP with slow clients of the lowest ranks and honest other ones. */
async function run(
  { rounds = 3, roundSeconds = 1.5, slow, honest, handler, evaluates, memoryBytes }: Setting,
): Promise<Outcome> {
  const server = new ServerSyncTop(
    new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(LENGTH),
      ...(evaluates === undefined &&
        { evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }) }),
      ...handler,
    }),
    {
      listen: "127.0.0.1:0",
      worldSize: 1 + slow.length + honest,
      rounds,
      ...(memoryBytes !== undefined && { earlyUpdates: { memoryBytes } }),
      timeouts: { joinSeconds: 5, roundSeconds, heartbeatSeconds: 2, drainSeconds: 0.2 },
      logger: silentLogger,
      onEvent: (event) => {
        if (event.type === "client-lost" || event.type === "client-away") lost.push(event.rank);
        if (event.type !== "listening") return;
        const { address } = event;
        members = slow.map((send, i) => member(address, i + 1, send));
        clients = Array.from(
          { length: honest },
          (_, i) =>
            new ClientSyncTop(new FakeHandler(MANIFEST), {
              serverAddr: address,
              rank: slow.length + i + 1,
              logger: silentLogger,
            }).run(),
        );
      },
    },
  );
  const lost: number[] = [];
  let members: Promise<void>[] = [], clients: Promise<void>[] = [];
  const report = await server.run();
  const fates = await Promise.allSettled(clients);
  await Promise.all(members);
  return { report, lost, honest: fates };
}

/**
 * Asserts that every honest update counts, no honest client is lost, and only the slow ones are
 * reported.
 */
function assertHonestCount({ report, lost, honest }: Outcome, numSlow: number): void {
  for (const { round, received, losses, tries } of report.rounds) {
    assertEquals([received, tries], [honest.length, 1], `round ${round}`);
    assert(losses.every(({ rank }) => rank <= numSlow), `round ${round} names an honest rank`);
  }
  assert(lost.every((rank) => rank <= numSlow), `lost ${lost}`);
  assertEquals(honest.map(({ status }) => status), Array(honest.length).fill("fulfilled"));
}

for (const bytes of [16, 200, 40_000, 80_000]) {
  Deno.test(`the lowest rank stalls after ${bytes} bytes: all others count, and the round ends at its deadline`, async () => {
    const outcome = await run({ slow: [stallAt(bytes)], honest: 3 });
    assertHonestCount(outcome, 1);
    const [first, second, third] = outcome.report.rounds;
    // The silent connection is given up after twelve seconds.
    assert((first?.seconds ?? Infinity) < 10, `the round took ${first?.seconds} seconds`);
    assertMatch(
      first?.losses[0]?.reason ?? "",
      /only \d+ of the \d+ bytes of its update came in time/,
    );
    // A client that has missed two rounds in a row is left out of the next one.
    assertEquals(second?.losses.map(({ rank }) => rank), [1]);
    assertEquals([third?.cohort, third?.losses], [[2, 3, 4], []]);
  });
}

Deno.test("the lowest rank is slow but above the minimum rate: all others count in each round", async () => {
  assertHonestCount(await run({ slow: [dribble(20 * 1024)], honest: 3 }), 1);
});

Deno.test("clients that stall in the only staging buffer lose it to those that wait", async () => {
  const slow = [stallAt(16), dribble(20 * 1024), stallAt(70_000)];
  const outcome = await run({
    slow,
    honest: 4,
    rounds: 2,
    roundSeconds: 1,
    handler: { stagingBuffers: 1 },
    memoryBytes: 0,
  });
  assertHonestCount(outcome, slow.length);
  assertMatch(outcome.report.rounds[0]?.losses[0]?.reason ?? "", /while others waited/);
});

Deno.test("a client that does not read its refusal keeps no staging buffer", async () => {
  const manifest = vectorManifest(100_000);
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const members = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<void>(), ended = Promise.withResolvers<void>();
  const server = new ServerSyncTop(
    vectorHandler(new Float32Array(manifest.length), { stagingBuffers: 1 }),
    {
      ...group,
      listen: "unread",
      worldSize: 3,
      rounds: 1,
      timeouts: { heartbeatSeconds: 2, drainSeconds: 0.2 },
      onEvent: (event) => {
        if (event.type === "round-started") begun.resolve();
        if (event.type === "round-ended") ended.resolve();
        if (event.type !== "listening") return;
        const client = new ClientSyncTop(new FakeHandler(manifest), {
          ...group,
          serverAddr: event.address,
          rank: 2,
        });
        members.resolve(Promise.all([client.run(), unread(event.address)]));
      },
    },
  );
  const [{ rounds: [first] }] = await Promise.all([server.run(), members.promise]);
  assertEquals([first?.received, first?.losses.map(({ rank }) => rank)], [1, [1]]);
  assert((first?.seconds ?? 9) < 6, `the round took ${first?.seconds} seconds`);

  /**
   * Sends an update that is not finite, and does not read the parameters and the refusal behind
   * them.
   */
  async function unread(address: string): Promise<void> {
    const connection = new Connection(await memoryTransport.connect(address));
    await connection.send({
      code: MessageCode.Registration,
      payload: { agent: "by hand", rank: 1 },
    });
    const assigned = (await connection.receive())?.message;
    assert(assigned?.code === MessageCode.IdAssignment);
    const { manifestDigest } = assigned.payload;
    await connection.send({ code: MessageCode.Ready, payload: { manifestDigest, numSamples: 1 } });
    const parameters = new Float32Array(manifest.length).fill(NaN);
    await begun.promise;
    await connection.send({
      code: MessageCode.ParameterUpdate,
      payload: { round: 1, numSamples: 1, parameters },
    });
    await ended.promise;
    await connection.close();
  }
});

Deno.test("an asynchronous client that waits for a staging buffer is not late", async () => {
  const members = 7, roundSeconds = 2;
  const lost: ServerEvent[] = [];
  const played = Promise.withResolvers<void>();
  const server = new ServerAsyncTop(
    new AsyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(LENGTH),
      stagingBuffers: 1,
      evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
    }),
    {
      listen: "127.0.0.1:0",
      worldSize: members + 1,
      versions: members,
      earlyUpdates: { memoryBytes: 0 },
      timeouts: { joinSeconds: 5, roundSeconds },
      logger: silentLogger,
      onEvent: (event) => {
        if (event.type === "client-away" || event.type === "update-refused") lost.push(event);
        if (event.type === "listening") play(event.address).then(played.resolve, played.reject);
      },
    },
  );
  const stop = new AbortController();
  played.promise.catch((error) => stop.abort(error));
  const report = await server.run({ signal: stop.signal });
  await played.promise;
  assertEquals(lost, []);
  assertEquals(report.rounds.flatMap(({ cohort }) => cohort).length, members);
  assertEquals(report.rounds.map(({ dropped }) => dropped), Array(members).fill(0));

  /**
   * Clients that begin to send at once and are slow: the last one waits for longer than two rounds.
   */
  async function play(address: string): Promise<void> {
    const peers = await Promise.all(Array.from({ length: members }, () => Peer.connect(address)));
    try {
      await Promise.all(peers.map((peer, i) => peer.join({ rank: i + 1 })));
      const rests: [Peer, Uint8Array<ArrayBuffer>][] = [];
      for (const peer of peers) {
        await peer.ask();
        const frame = updateFrame((await peer.until(MessageCode.ParameterUpdate)).round);
        const part = frame.length - 5000;
        await peer.channel.write(frame.slice(0, part));
        // They get the buffer in this order.
        await new Promise((resolve) => setTimeout(resolve, 5));
        rests.push([peer, frame.slice(part)]);
      }
      for (const [peer, rest] of rests) {
        await new Promise((resolve) => setTimeout(resolve, 400 * roundSeconds));
        await peer.channel.write(rest);
      }
      for (const peer of peers) await peer.send({ code: 4, payload: await peer.until(4) });
    } finally {
      for (const peer of peers) await peer.connection.close();
    }
  }
});

Deno.test("under over-selection an incomplete update keeps no place in the round", async () => {
  const slow = Array.from({ length: 4 }, () => stallAt(16));
  const outcome = await run({
    slow,
    honest: 4,
    roundSeconds: 30,
    rounds: 2,
    handler: { fraction: 0.5, overSelection: 1 },
  });
  assertHonestCount(outcome, slow.length);
  const [first] = outcome.report.rounds;
  assert((first?.seconds ?? Infinity) < 20, `the round took ${first?.seconds} seconds`);
  assertEquals(first?.losses.map(({ reason }) => reason), Array(4).fill("4 others were first"));
});

Deno.test("a silent client delays two rounds, and not every round", async () => {
  const outcome = await run({ slow: [async () => {}], honest: 2, rounds: 6, roundSeconds: 1 });
  assertHonestCount(outcome, 1);
  const { rounds } = outcome.report;
  assertEquals(rounds.map(({ cohort }) => cohort.includes(1)), [
    ...[true, true, false],
    ...[true, false, false],
  ]);
  assertEquals(rounds.map(({ paused = [] }) => paused), [[], [], [1], [], [1], [1]]);
});

Deno.test("a client that answers every other round is left out in the end", () => {
  const known = new KnownClients();
  const asked: number[] = [];
  for (let round = 1; round <= 30; round++) {
    if (known.paused(round).includes(7)) continue;
    asked.push(round);
    if (asked.length % 2 === 1) known.addMiss(7, round);
    else known.addUpdate(7, { round });
  }
  assertEquals(asked, [1, 2, 3, 4, 5, 7, 8, 10, 11, 14, 15, 18, 19, 24, 25, 30]);
  for (let round = 31; round < 50; round++) known.addUpdate(7, { round });
  assertEquals(known.all.get(7)?.misses, undefined);
  assertEquals(known.paused(50), []);
});

Deno.test("a client that trains and never evaluates does not delay every round", async () => {
  const whole: Send = async (peer, frame) => await peer.channel.write(frame);
  const outcome = await run({
    slow: [whole],
    honest: 2,
    rounds: 6,
    roundSeconds: 1.5,
    evaluates: "clients",
  });
  const { rounds } = outcome.report;
  assertEquals(rounds.map(({ received }) => received), Array(6).fill(3));
  assertEquals(outcome.lost, []);
  // The server waits for it after two rounds, leaves it out after one, asks again, and leaves it
  // out after two.
  const isWaitedFor = rounds.map(({ seconds }) => seconds >= 1.5);
  assertEquals(isWaitedFor, [true, true, false, true, false, false]);
  assertEquals(rounds.map(({ clients }) => clients?.loss?.count), Array(6).fill(2));
});

Deno.test("a client without figures delays two evaluations, and not every one", async () => {
  for (const isAsync of [false, true]) {
    const rounds = 6, roundSeconds = 1.2;
    const members = Promise.withResolvers<unknown>();
    const options = {
      listen: "127.0.0.1:0",
      worldSize: 3,
      timeouts: { joinSeconds: 5, roundSeconds, drainSeconds: 0.5 },
      logger: silentLogger,
      onEvent: (event: ServerEvent) => {
        if (event.type !== "listening") return;
        const settings = { serverAddr: event.address, rank: 2, logger: silentLogger };
        const client = new ClientFollowingTop(new FakeHandler(MANIFEST), settings);
        members.resolve(Promise.all([client.run(), silent(event.address)]));
      },
    };
    const initial = { manifest: MANIFEST, parameters: new Float32Array(LENGTH) };
    const server = isAsync
      ? new ServerAsyncTop(new AsyncParameterServerHandler(initial), {
        ...options,
        versions: rounds,
      })
      : new ServerSyncTop(new SyncParameterServerHandler(initial), { ...options, rounds });
    const [report] = await Promise.all([server.run(), members.promise]);
    assertEquals(report.rounds.map(({ clients }) => clients?.loss?.count), Array(rounds).fill(1));
    const slow = report.rounds.map(({ seconds }) => seconds >= roundSeconds);
    assertEquals(slow, [true, true, false, true, false, false]);
  }

  /** Answers every round, and no evaluation. */
  async function silent(address: string): Promise<void> {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 1 });
    for (;;) {
      const { code, payload } = await peer.next();
      if (code === MessageCode.ParameterUpdate) await peer.update(payload.round);
      if (code === MessageCode.Exit) return await peer.send({ code, payload });
    }
  }
});

Deno.test("UploadMonitor requires a rate only while others wait, without the server's own delays", () => {
  let now = 0;
  const slow: number[] = [];
  const uploads = new UploadMonitor(8, (rank) => slow.push(rank), () => now);
  const incoming = { size: 1000, received: 0 };
  uploads.begin(1, incoming);
  uploads.begin(2, { size: 1000, received: 900 });
  uploads.wait();
  const pass = (millis: number) => {
    for (let passed = 0; passed < millis; passed += 250) {
      now += 250;
      uploads.check();
    }
  };
  pass(500);
  assertEquals(slow, []);
  // Nothing can arrive before the first check.
  now += 60_000;
  uploads.check();
  assertEquals(slow, []);
  pass(1000);
  assertEquals(slow, [1]);
  pass(6000);
  assertEquals(slow, [1, 2]);
  uploads.waited();
  uploads.begin(3, incoming);
  pass(16_000);
  assertEquals(slow, [1, 2]);
});
