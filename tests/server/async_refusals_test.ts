import { assert, assertEquals, assertMatch, assertNotEquals } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  type AsyncStrategy,
  type EvaluateResult,
  FedAsync,
  FedBuff,
  MessageCode,
  type ParameterVector,
  type RunReport,
  type ServerAsyncOptions,
  ServerAsyncTop,
  type ServerEvent,
  silentLogger,
} from "../../mod.ts";
import { RefusedUpdates } from "../../src/server/asynchronous/refused_updates.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";
import { Peer } from "../helpers/peer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(3);
const filled = (value: number) => new Float32Array(3).fill(value);

/** Run over TCP with clients, of ranks from 1, that the test defines. */
async function run(
  strategy: AsyncStrategy,
  evaluator: (vector: ParameterVector) => Promise<EvaluateResult>,
  options: Partial<ServerAsyncOptions> & { versions: number; members: number },
  play: (peers: Peer[]) => Promise<void>,
): Promise<{ report: RunReport; events: ServerEvent[] }> {
  const { members, ...more } = options;
  const events: ServerEvent[] = [];
  const played = Promise.withResolvers<void>();
  const handler = new AsyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: filled(0),
    strategy,
    evaluator,
  });
  const server = new ServerAsyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: members + 1,
    logger: silentLogger,
    ...more,
    onEvent: (event) => {
      events.push(event);
      if (event.type === "listening") join(event.address).then(played.resolve, played.reject);
    },
  });
  const [report] = await Promise.all([server.run(), played.promise]);
  return { report, events };

  async function join(address: string): Promise<void> {
    const peers: Peer[] = [];
    try {
      for (let rank = 1; rank <= members; rank++) {
        const peer = await Peer.connect(address);
        peers.push(peer);
        await peer.join({ rank });
      }
      await play(peers);
      for (const peer of peers) await peer.send({ code: 4, payload: await peer.until(4) });
    } finally {
      for (const peer of peers) await peer.connection.close();
    }
  }
}

/** Asks for work, and returns its round. */
async function asked(peer: Peer): Promise<number> {
  await peer.ask();
  return (await peer.until(MessageCode.ParameterUpdate)).round;
}

const sound = () => Promise.resolve({ numSamples: 1, loss: 0 });

Deno.test("a client that can never train does not end the run", async () => {
  const { report, events } = await run(
    new FedAsync(),
    sound,
    { versions: 2, members: 2 },
    async ([one, other]) => {
      assert(one && other);
      const round = await asked(one);
      for (let i = 0; i < 30; i++) {
        const payload = { fault: "cannot-train", message: "no", fatal: false };
        await other.send({ code: 8, payload: { ...payload, round: await asked(other) } });
      }
      await one.update(round);
      await one.update(await asked(one));
    },
  );
  assertEquals(report.rounds.map(({ cohort }) => cohort), [[1], [1]]);
  const refused = events.filter(({ type }) => type === "update-refused");
  assertEquals(refused.length, 30);
});

Deno.test("RefusedUpdates are too many when each client that has or had a task exceeds the limit", () => {
  const refused = new RefusedUpdates(3);
  for (let i = 0; i < 9; i++) refused.add(1);
  assertEquals([refused.isTooMany([]), refused.isTooMany([1]), refused.isTooMany([2])], [
    ...[true, true, false],
  ]);
  for (let i = 0; i < 3; i++) refused.add(2);
  assert(!refused.isTooMany([]));
  refused.add(2);
  assert(refused.isTooMany([1]) && !refused.isTooMany([3]));
  refused.add(4);
  assert(!refused.isTooMany([]));
  refused.forget(4);
  assert(refused.isTooMany([]));
  assertEquals(refused.total, 13);
  refused.clear();
  refused.add(1);
  assert(!refused.isTooMany([]));
});

/** Returns NaN if the model is above 0.2. */
const lossOf = (vector: ParameterVector): Promise<EvaluateResult> =>
  Promise.resolve({ numSamples: 1, loss: Math.log(0.2 - (vector[0] ?? 0)) });

for (const versions of [1, 2]) {
  Deno.test(`the first version of ${versions} is taken back like later ones, and only its update counts as refused`, async () => {
    const { report, events } = await run(
      new FedAsync({ alpha: 1 }),
      lossOf,
      { versions, members: 2 },
      async ([bad, good]) => {
        assert(bad && good);
        await bad.update(await asked(bad), filled(1));
        assertMatch((await bad.error()).message, /evaluates to no number/);
        for (let i = 0; i < versions; i++) await good.update(await asked(good), filled(0.1));
      },
    );
    const [first] = report.rounds;
    assertEquals([first?.cohort, first?.received, first?.tries], [[2], 1, 2]);
    assertEquals(first?.losses.map(({ rank }) => rank), [1]);
    const counts = report.members?.map(({ rank, received, refused }) => [rank, received, refused]);
    assertEquals(counts, [[1, 0, 1], [2, versions, 0]]);
    assertEquals(events.filter(({ type }) => type === "round-retried").length, 1);
  });
}

Deno.test("a model that never evaluates to a number has no version taken back", async () => {
  const nothing = () => Promise.resolve({ numSamples: 1, loss: NaN });
  const { report } = await run(
    new FedAsync(),
    nothing,
    { versions: 3, members: 1 },
    async ([peer]) => {
      assert(peer);
      for (let i = 0; i < 3; i++) await peer.update(await asked(peer));
    },
  );
  assertEquals(report.rounds.map(({ tries, refused }) => [tries, refused]), Array(3).fill([1, 0]));
});

Deno.test("updates in a buffer that is taken back count as received from no client", async () => {
  const { report } = await run(
    new FedBuff({ size: 3 }),
    lossOf,
    { versions: 1, members: 3 },
    async (peers) => {
      for (const i of [0, 1, 2]) {
        const peer = peers[i];
        assert(peer);
        await peer.update(await asked(peer), filled(i === 1 ? 1 : 0.1));
      }
      const [first, bad, third] = peers;
      assert(first && bad && third);
      assertMatch((await bad.error()).message, /the most extreme/);
      for (const peer of [first, third, first]) {
        await peer.update(await asked(peer), filled(0.1));
      }
    },
  );
  const counts = report.members?.map(({ rank, received, refused }) => [rank, received, refused]);
  assertEquals(counts, [[1, 2, 0], [2, 0, 1], [3, 1, 0]]);
});

Deno.test("an update trained from a version that was taken back is not counted as one from the version before", async () => {
  const evaluating = Promise.withResolvers<void>(), goOn = Promise.withResolvers<void>();
  const { report } = await run(
    new FedAsync({ alpha: 1 }),
    async (vector) => {
      if ((vector[0] ?? 0) > 0.5) {
        evaluating.resolve();
        await goOn.promise;
      }
      return await lossOf(vector);
    },
    { versions: 3, members: 2 },
    async ([bad, good]) => {
      assert(bad && good);
      await bad.update(await asked(bad), filled(1));
      await evaluating.promise;
      const before = await asked(good);
      goOn.resolve();
      const { round, parameters } = await good.until(MessageCode.ParameterUpdate);
      assertEquals(parameters, filled(0));
      assertNotEquals(round, before);
      await good.update(before, filled(1.1));
      assertEquals((await good.error()).fault, "wrong-round");
      await good.update(round, filled(0.1));
      for (let i = 0; i < 2; i++) await good.update(await asked(good), filled(0.1));
    },
  );
  assertEquals(report.rounds.map(({ cohort, tries }) => [cohort, tries]), [
    ...[[[2], 2], [[2], 1], [[2], 1]],
  ]);
});
