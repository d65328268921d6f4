import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  CheckpointStore,
  ClientSyncTop,
  DeadlineError,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  type Strategy,
  SyncParameterServerHandler,
  TrimmedMean,
} from "../../mod.ts";
import { requiredUpdates } from "../../src/round/limits.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(4);
let runs = 0;

Deno.test("requiredUpdates() is a share of the updates that are wanted, and no more than may begin", () => {
  assertEquals(requiredUpdates(10, {}), 5);
  assertEquals(requiredUpdates(3, {}), 2);
  assertEquals(requiredUpdates(1, { quorum: 0.1 }), 1);
  assertEquals(requiredUpdates(10, { quorum: 0.9, minClients: 4 }), 4);
  assertEquals(requiredUpdates(2, { quorum: 1, minClients: 4 }), 2);
  assertEquals(requiredUpdates(10, { fewestUpdates: 7, minClients: 4 }), 7);
  assertEquals(requiredUpdates(6, { fewestUpdates: 7 }), 6);
});

/** Runs a server with four clients. Those for which `leaves` holds leave after the first round. */
async function run(
  leaves: (rank: number) => boolean,
  options: Partial<ServerTopologyOptions>,
  { comesBack = false, strategy }: { comesBack?: boolean; strategy?: Strategy } = {},
) {
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
    ...(strategy && { strategy }),
  });
  const clients: Promise<void>[] = [];
  const server = new ServerSyncTop(handler, {
    ...group,
    listen: `quorum-${runs++}`,
    worldSize: 5,
    rounds: 4,
    timeouts: { joinSeconds: 1.5, drainSeconds: 0.1 },
    onEvent: (event) => {
      if (event.type !== "listening") return;
      for (const rank of [1, 2, 3, 4]) {
        const join = (step?: () => void) => {
          const learner = new FakeHandler(MANIFEST, step ? { step } : {});
          const client = new ClientSyncTop(learner, { ...group, serverAddr: event.address, rank });
          const running = client.run();
          running.catch(() => {});
          clients.push(running);
          return running;
        };
        let rounds = 0;
        if (!leaves(rank)) join();
        else {
          join(() => {
            if (rounds++ > 0) throw new Error("out of memory");
          }).catch(() => comesBack ? join() : undefined);
        }
      }
    },
    ...options,
  });
  try {
    return (await server.run()).rounds;
  } finally {
    await Promise.allSettled(clients);
  }
}

Deno.test("a quorum does not shrink with the group: a run stops when too few are left, its checkpoint whole", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const checkpoints = new CheckpointStore(folder);
    await assertRejects(
      () => run((rank) => rank > 1, { checkpoints }),
      DeadlineError,
      "Too few clients are left after 1 of 4 rounds: 1, expected at least 2",
    );
    assertEquals((await checkpoints.latest())?.round, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a robust strategy waits for as many updates as it needs", async () => {
  await assertRejects(
    () =>
      run((rank) => rank === 4, { quorum: 0.25 }, { strategy: new TrimmedMean({ attackers: 1 }) })
        .then((rounds) => {
          assertEquals(rounds.map(({ received }) => received), [4, 3, 3, 3]);
          return run((rank) => rank > 2, { quorum: 0.25 }, {
            strategy: new TrimmedMean({ attackers: 1 }),
          });
        }),
    DeadlineError,
    "Too few clients are left after 1 of 4 rounds: 2, expected at least 3",
  );
});

Deno.test("a round waits for clients to come back when too few are left", async () => {
  const rounds = await run((rank) => rank > 1, { timeouts: { joinSeconds: 5 } }, {
    comesBack: true,
  });
  assertEquals(rounds.length, 4);
  assertEquals(rounds.every(({ received }) => received >= 2), true);
});

Deno.test("a run goes on with fewer clients where its quorum, or the number it may begin with, allows that", async () => {
  for (const options of [{ quorum: 0.25 }, { minClients: 1 }]) {
    const rounds = await run((rank) => rank > 1, options);
    assertEquals(rounds.map(({ received }) => received), [4, 1, 1, 1]);
  }
});

for (const comesBack of [true, false]) {
  Deno.test(
    `a client whose update was refused is none of those who are enough: others are waited for, ${
      comesBack ? "and one comes" : "in vain"
    }`,
    async () => {
      const group = { distBackend: "memory", logger: silentLogger } as const;
      const handler = new SyncParameterServerHandler({
        manifest: MANIFEST,
        parameters: new Float32Array(MANIFEST.length),
        evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
      });
      const clients: Promise<void>[] = [];
      let address = "";
      const join = (rank: number, step?: (vector: Float32Array) => void) => {
        const learner = new FakeHandler(MANIFEST, step ? { step } : {});
        clients.push(new ClientSyncTop(learner, { ...group, serverAddr: address, rank }).run());
        clients.at(-1)?.catch(() => {});
      };
      const server = new ServerSyncTop(handler, {
        ...group,
        listen: `quorum-${runs++}`,
        worldSize: 5,
        // Two of four are enough, and only those are present.
        rounds: 2,
        minClients: 2,
        timeouts: { joinSeconds: comesBack ? 3 : 2, drainSeconds: 0.1 },
        onEvent: (event) => {
          if (event.type === "listening") {
            address = event.address;
            join(1);
            join(2, (vector) => void vector.fill(3e38));
          } else if (event.type === "update-refused" && comesBack) join(3);
        },
      });
      try {
        if (comesBack) {
          const { rounds } = await server.run();
          assertEquals(rounds.map(({ received }) => received), [2, 2]);
          assertEquals(rounds.map(({ tries }) => tries), [2, 1]);
          assertEquals(rounds[0]?.losses.map(({ rank }) => rank), [2]);
        } else {
          await assertRejects(
            () => server.run(),
            DeadlineError,
            "Too few clients are left after 0 of 2 rounds: 2, expected at least 3",
          );
        }
      } finally {
        await Promise.allSettled(clients);
      }
    },
  );
}
