import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { Random } from "../../../mod.ts";
import { runUploads, type Uploader } from "../../helpers/early_uploads.ts";
import { onSmallDisk } from "../../helpers/small_disk.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** More than pieces of a file and the buffers of the transport. */
const LENGTH = 80_000;
const CLIENTS = 5;
const FILE_ONLY = 3 * 64 * 1024;
/** Memory of three updates; a fourth is in the file. */
const BOTH = 1.5 * 2 ** 20;

/** Digest of the model when the updates come one after the other, in order of rank. */
async function digestInOrder(length = LENGTH, clients = CLIENTS): Promise<string> {
  const { report } = await runUploads({
    clients,
    length,
    server: { earlyUpdates: { memoryBytes: 0 } },
    play: async (uploaders) => {
      for (const uploader of uploaders) await uploader.asked();
      for (const uploader of uploaders) await uploader.send();
    },
  });
  assertEquals(report.rounds[0]?.bytesSpilled, undefined);
  return report.modelDigest;
}

/** Lets all others send their whole updates before the first client sends a byte. */
async function firstIsLast(uploaders: Uploader[]): Promise<void> {
  await Promise.all(uploaders.map((uploader) => uploader.asked()));
  const [first, ...others] = uploaders;
  await Promise.all(others.map((uploader) => uploader.send()));
  await first?.send();
}

for (
  const [where, memoryBytes] of [["memory", 2 ** 26], ["a file", FILE_ONLY], [
    "memory and a file",
    BOTH,
  ]] as const
) {
  Deno.test(`the lowest rank stops nobody: the server takes all other updates first, into ${where}`, async () => {
    const folder = await Deno.makeTempDir();
    const { report, lines } = await runUploads({
      clients: CLIENTS,
      length: LENGTH,
      server: { earlyUpdates: { memoryBytes, folder } },
      play: firstIsLast,
    });
    assertEquals([report.modelDigest, lines], [await digestInOrder(), []]);
    const [round] = report.rounds;
    assertEquals([round?.received, round?.tries, round?.refused], [CLIENTS, 1, 0]);
    assertEquals((round?.bytesSpilled ?? 0) > 0, where !== "memory");
    assertEquals([...Deno.readDirSync(folder)], [], "the file is removed");
    await Deno.remove(folder);
  });
}

for (const memoryBytes of [0, FILE_ONLY, BOTH, 2 ** 26]) {
  Deno.test(`any order of pieces gives the model of the order of ranks, with ${memoryBytes} bytes of memory`, async () => {
    const digest = await digestInOrder();
    const folder = await Deno.makeTempDir();
    for (const seed of [1, 2, 3]) {
      const random = new Random(seed, "test");
      const { report } = await runUploads({
        clients: CLIENTS,
        length: LENGTH,
        server: { earlyUpdates: { memoryBytes, folder } },
        handler: { stagingBuffers: 1 + seed % 3 },
        play: async (uploaders) => {
          await Promise.all(uploaders.map((uploader) => uploader.asked()));
          const pieces = uploaders.map((uploader) => ({ uploader, sent: Promise.resolve() }));
          for (let left = 4 * CLIENTS; left > 0; left--) {
            const piece = pieces[random.below(CLIENTS)];
            if (piece === undefined) continue;
            const size = random.below(200_000);
            piece.sent = piece.sent.then(() => piece.uploader.send(size));
          }
          await Promise.all(pieces.map(({ uploader, sent }) => sent.then(() => uploader.send())));
        },
      });
      assertEquals([report.modelDigest, report.rounds[0]?.received], [digest, CLIENTS]);
    }
    await Deno.remove(folder);
  });
}

Deno.test("small updates, which are not kept, give the model of the order of ranks in any order", async () => {
  const length = 500, clients = 30;
  const digest = await digestInOrder(length, clients);
  for (const stagingBuffers of [1, 2, 5, 40]) {
    const { report } = await runUploads({
      clients,
      length,
      handler: { stagingBuffers },
      play: async (uploaders) => {
        await Promise.all(uploaders.map((uploader) => uploader.asked()));
        new Random(stagingBuffers, "test").shuffle(uploaders);
        await Promise.all(uploaders.map(async (uploader) => {
          await uploader.send(1000);
          await new Promise((resolve) => setTimeout(resolve));
          await uploader.send();
        }));
      },
    });
    assertEquals([report.modelDigest, report.rounds[0]?.received], [digest, clients]);
  }
});

Deno.test("a client that is cut off in the middle of an update that is kept sends it again", async () => {
  const folder = await Deno.makeTempDir();
  const { report } = await runUploads({
    clients: CLIENTS,
    length: LENGTH,
    server: { earlyUpdates: { memoryBytes: FILE_ONLY, folder } },
    play: async (uploaders) => {
      await Promise.all(uploaders.map((uploader) => uploader.asked()));
      const [first, second, third, ...others] = uploaders;
      await second?.send(200_000);
      second?.peer.connection.abort(new Error("cut off"));
      // This one is whole on the server.
      await third?.send();
      third?.peer.connection.abort(new Error("cut off"));
      for (const uploader of [third, second]) {
        await uploader?.join();
        await uploader?.asked();
        await uploader?.send();
      }
      for (const uploader of [...others, first]) await uploader?.send();
    },
  });
  assertEquals([report.modelDigest, report.rounds[0]?.received], [await digestInOrder(), CLIENTS]);
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("a full disk makes updates wait for their turn, with one line, and loses none", async () => {
  const folder = await Deno.makeTempDir();
  await onSmallDisk(`${folder}/disk`, async ({ path }) => {
    const length = 600_000, clients = 6;
    const run = (memoryBytes: number) =>
      runUploads({
        clients,
        length,
        // A disk of 8 MB has room for three of the five updates.
        server: { rounds: 2, earlyUpdates: { memoryBytes, folder: path } },
        play: async (uploaders, warned) => {
          for (let round = 1; round <= 2; round++) {
            await Promise.all(uploaders.map((uploader) => uploader.asked()));
            const [first, ...others] = uploaders;
            const sent = others.map((uploader) => uploader.send());
            if (memoryBytes > 0) await warned;
            await Promise.all([first?.send(), ...sent]);
          }
        },
      });
    const [kept, waited] = [await run(2 ** 20), await run(0)];
    assertEquals(kept.report.modelDigest, waited.report.modelDigest);
    assertEquals(kept.report.rounds.map(({ received, tries }) => [received, tries]), [
      [clients, 1],
      [clients, 1],
    ]);
    assertEquals(kept.lines.length, 1, kept.lines.join("\n"));
    assertMatch(
      kept.lines[0] ?? "",
      /^warn: Cannot keep updates that come early in a file: No space left on device.*; they wait for their turn/,
    );
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test({
  name: "a server that may not write keeps updates in memory, and says once that others wait",
  permissions: { read: true, net: true, env: true, write: false },
  fn: async () => {
    const { report, lines } = await runUploads({
      clients: CLIENTS,
      length: LENGTH,
      server: { earlyUpdates: { memoryBytes: BOTH, folder: "nowhere" } },
      play: async (uploaders, warned) => {
        await Promise.all(uploaders.map((uploader) => uploader.asked()));
        const [first, ...others] = uploaders;
        const sent = others.map((uploader) => uploader.send());
        await warned;
        await Promise.all([first?.send(), ...sent]);
      },
    });
    assertEquals([report.modelDigest, report.rounds[0]?.received], [
      await digestInOrder(),
      CLIENTS,
    ]);
    assertEquals(lines.length, 1, lines.join("\n"));
    assertMatch(lines[0] ?? "", /run Deno with --allow-write=nowhere; they wait for their turn/);
  },
});

Deno.test("of a cohort larger than needed the first whole valid updates win, whatever the ranks", async () => {
  const folder = await Deno.makeTempDir();
  const { report } = await runUploads({
    clients: CLIENTS,
    length: LENGTH,
    server: { earlyUpdates: { memoryBytes: FILE_ONLY, folder } },
    handler: { stagingBuffers: 2, fraction: 0.4, overSelection: 1.5 },
    play: async (uploaders) => {
      const [first, second, third, fourth, fifth] = uploaders;
      await Promise.all(
        [first, second, third, fifth].map((uploader) => uploader?.asked()),
      );
      await fourth?.asked((vector) => vector[7] = NaN);
      await first?.send(200_000);
      // It comes first, and does not count.
      await fourth?.send();
      assertEquals((await fourth?.peer.error())?.fault, "non-finite");
      await third?.send();
      await fifth?.send();
    },
  });
  const [round] = report.rounds;
  assertEquals([round?.received, round?.tries], [2, 1]);
  assertEquals(report.members?.map(({ received }) => received), [0, 0, 1, 0, 1]);
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("of a cohort larger than needed updates wait for the only buffer, and the round ends", async () => {
  const { report } = await runUploads({
    clients: 3,
    length: LENGTH,
    handler: { stagingBuffers: 1, fraction: 0.6, overSelection: 0.5 },
    play: async ([first, second, third]) => {
      await Promise.all([first, second, third].map((uploader) => uploader?.asked()));
      await first?.send(200_000);
      await Promise.all([third?.send(), second?.send()]);
      await first?.send();
    },
  });
  assertEquals(report.rounds[0]?.received, 2);
});

Deno.test("a round that is tried again takes early updates anew", async () => {
  const { report } = await runUploads({
    clients: 3,
    length: LENGTH,
    server: { quorum: 1 },
    play: async ([first, second, third]) => {
      await Promise.all([first?.asked((vector) => vector[0] = Infinity), second?.asked()]);
      await third?.asked();
      await Promise.all([second?.send(), third?.send()]);
      await first?.send();
      for (const uploader of [first, second, third]) await uploader?.asked();
      await Promise.all([third?.send(), second?.send()]);
      await first?.send();
    },
  });
  const [round] = report.rounds;
  assertEquals([round?.received, round?.tries], [3, 2]);
  assertEquals(report.modelDigest, await digestInOrder(LENGTH, 3));
});

Deno.test("an update for a round that is over is refused by its name, and harms nobody", async () => {
  const { report } = await runUploads({
    clients: 3,
    length: LENGTH,
    server: { rounds: 2, timeouts: { roundSeconds: 2, drainSeconds: 1 }, quorum: 0.5 },
    play: async ([first, second, third]) => {
      await Promise.all([first, second, third].map((uploader) => uploader?.asked()));
      await Promise.all([second?.send(), third?.send()]);
      // The round goes on without the first one.
      await Promise.all([second?.asked(), third?.asked()]);
      await first?.send();
      const { fault, message } = await first?.peer.error() ?? {};
      assertEquals(fault, "wrong-round");
      assertMatch(message ?? "", /rank 1: expected one for round 2, got one for round 1/);
      await Promise.all([third?.send(), second?.send()]);
    },
  });
  assertEquals(report.rounds.map(({ received, tries }) => [received, tries]), [[2, 1], [2, 1]]);
  assert(report.rounds[1]?.losses.every(({ rank }) => rank === 1));
});

Deno.test("exact aggregation takes whole updates while slow ones hold all buffers but one", async () => {
  const folder = await Deno.makeTempDir();
  const digests = await Promise.all([[3, 4, 5, 1, 2], [5, 4, 3, 2, 1]].map(async (order) => {
    const received: number[] = [];
    const third = Promise.withResolvers<void>();
    const { report } = await runUploads({
      clients: CLIENTS,
      length: LENGTH,
      server: {
        earlyUpdates: { memoryBytes: FILE_ONLY, folder },
      },
      onEvent: (event) => {
        if (event.type !== "update-received") return;
        received.push(event.rank);
        if (received.length === 3) third.resolve();
      },
      handler: { stagingBuffers: 2, aggregation: "exact" },
      play: async (uploaders) => {
        await Promise.all(uploaders.map((uploader) => uploader.asked()));
        const inOrder = order.map((rank) => uploaders[rank - 1]);
        await Promise.all(inOrder.slice(3).map((uploader) => uploader?.send(200_000)));
        for (const uploader of inOrder.slice(0, 3)) await uploader?.send();
        // They are in the sums before the others are whole.
        await third.promise;
        for (const uploader of inOrder.slice(3)) await uploader?.send();
      },
    });
    assertEquals(received.toSorted(), [1, 2, 3, 4, 5]);
    return report.modelDigest;
  }));
  assertEquals(digests[0], digests[1]);
  await Deno.remove(folder);
});
